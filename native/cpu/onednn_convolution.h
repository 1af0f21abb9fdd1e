// oneDNN's direct kernels as algorithms.
#pragma once
#include <memory>

#include "cpu/convolution.h"

namespace preresnet::cpu {

/// shape.images: the batch, here and below.
BlockTerms onednn_terms(const ConvolutionShape& shape, onednn::Operands operands);
/// direction: forward (x to y) or backward_data (dy to dx).
std::unique_ptr<BlockConvolution> make_onednn_convolution(onednn::Direction direction,
                                                          const ConvolutionShape& shape,
                                                          onednn::Operands operands, int threads);
std::unique_ptr<BlockWeightGradient> make_onednn_gradient(const ConvolutionShape& shape,
                                                          onednn::Operands operands, int threads);

}  // namespace preresnet::cpu
