// Small sums around convolutions.
#pragma once
#include "cuda/convolution.h"
#include "cuda/kernels/channel_grid.h"

namespace preresnet::cuda {

/// Per channel the sum over all rows of x (one term).
void channel_sums(Runtime&, Stream, Type, const ChannelLaunch&, const ChannelSums&, const void* x);

/// to = sum over groups of from (groups x count), both of the type.
void group_sums(Runtime&, Stream, Type, const void* from, void* to, int groups, int64_t count);

}  // namespace preresnet::cuda
