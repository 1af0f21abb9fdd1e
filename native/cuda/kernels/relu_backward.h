#pragma once
#include "cuda/convolution.h"
#include "cuda/kernels/channel_grid.h"

namespace preresnet::cuda {

struct ReluBackwardOperands {
  const void* d;
  const void* add;  // may be null
  const void* x;    // may be null where there is neither mask nor sums
  ChannelVector scale, bias;
  void* dx;
  bool mask;
};
/// Terms of sums: 2.
void relu_backward(Runtime&, Stream, Type, const ChannelLaunch&, const ChannelSums&,
                   const ReluBackwardOperands&);

}  // namespace preresnet::cuda
