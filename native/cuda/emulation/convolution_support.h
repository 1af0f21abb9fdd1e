// What cuDNN has engines for, as far as it is known of architectures 80 and 90, so that the
// emulated device refuses what a real one would. ERR_UNSUPPORTED with the reason.
#pragma once
#include "cuda/convolution.h"

namespace preresnet::cuda::emulation {

void check_support(const ConvolutionShape&, const ConvolutionChoice&, ConvolutionForward::Fusion);
void check_support(const ConvolutionShape&, const ConvolutionChoice&,
                   ConvolutionBackwardData::Fusion);
void check_support(const ConvolutionShape&, const ConvolutionChoice&,
                   ConvolutionBackwardWeights::Fusion);

/// The part of the check that comes last: how much memory it takes.
void check_workspace(const ConvolutionChoice&, size_t bytes);

}  // namespace preresnet::cuda::emulation
