// Winograd's F(4x4, 3x3) (winograd.h) as algorithms, for kernel 3, stride 1 and padding 1.
#pragma once
#include <memory>

#include "cpu/convolution.h"

namespace preresnet::cpu {

enum class WinogradSide { output, input };

/// Throws ERR_UNSUPPORTED for other kernels, strides and paddings.
BlockTerms winograd_terms(const ConvolutionShape& shape, int threads);
/// x to y for WinogradSide::output, dy to dx for input.
std::unique_ptr<BlockConvolution> make_winograd_convolution(const ConvolutionShape& shape,
                                                            WinogradSide side);
/// Parts of images, with all that surrounds their convolution; half_filters: from filters in fp16.
/// Throws the same.
std::unique_ptr<PartConvolution> make_winograd_parts(const ConvolutionShape& shape,
                                                     bool half_filters);
/// Of the transformed filters.
size_t winograd_bytes(const ConvolutionShape& shape);
/// Whether the filters are so many that collecting is the faster, and the images so few that what
/// is collected is not too large.
bool winograd_collects(const ConvolutionShape& shape);
std::unique_ptr<CollectedWeightGradient> make_collected_winograd_gradient(
    const ConvolutionShape& shape);
std::unique_ptr<BlockWeightGradient> make_winograd_gradient(const ConvolutionShape& shape);

}  // namespace preresnet::cpu
