// Direct convolution of parts of images (passes/direct.h).
#pragma once
#include <memory>

#include "cpu/convolution.h"

namespace preresnet::cpu {

/// Whether this processor has instructions for products of bf16.
bool has_bf16_direct();
/// bf16_products: only where it has.
std::unique_ptr<PartConvolution> make_direct_convolution(const ConvolutionShape& shape,
                                                         bool bf16_products);

}  // namespace preresnet::cpu
