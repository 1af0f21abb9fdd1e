#pragma once
#include "cuda/kernels/pool.h"

namespace preresnet::cuda {

/// The mean of each window; positions outside the image are zeros.
void bn_relu_average_pool(Runtime&, Stream, Type, const ChannelLaunch&, const ChannelSums&,
                          const BnReluPoolOperands&);

/// dx = each dy shared out in equal parts over its window, zero where the ReLU in t was; sums of dx
/// and dx * x where they are wanted. Rows are x's pixels.
struct AveragePoolBackwardOperands {
  const void* dy;
  const void* x;
  ChannelVector scale, bias;
  void* dx;
  PoolSizes sizes;
  bool relu;
};
void average_pool_backward(Runtime&, Stream, Type, const ChannelLaunch&, const ChannelSums&,
                           const AveragePoolBackwardOperands&);

}  // namespace preresnet::cuda
