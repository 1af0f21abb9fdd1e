// Kernel 1 in one pass over bf16 (passes/one_by_one.h, passes/one_by_one_backward.h).
#pragma once
#include <memory>

#include "cpu/convolution.h"

namespace preresnet::cpu {

/// Null where that is not for this shape or this processor.
std::unique_ptr<FusedConvolution> make_one_by_one_convolution(const ConvolutionShape& shape);
std::unique_ptr<FusedBackward> make_one_by_one_backward(const ConvolutionShape& shape);

}  // namespace preresnet::cpu
