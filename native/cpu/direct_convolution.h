// Direct convolution of parts of images (passes/direct.h).
#pragma once
#include <memory>

#include "cpu/convolution.h"

namespace preresnet::cpu {

/// bf16_products: only where the processor has instructions for them.
std::unique_ptr<PartConvolution> make_direct_convolution(const ConvolutionShape& shape,
                                                         bool bf16_products);

}  // namespace preresnet::cpu
