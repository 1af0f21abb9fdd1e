#pragma once
#include "cuda/convolution.h"
#include "cuda/kernels/channel_grid.h"

namespace preresnet::cuda {

struct BnApplyBackwardOperands {
  const void* d;
  const void* x;
  ChannelVector a, b, c;
  const void* skip;  // may be null
  void* dx;
};
void bn_apply_backward(Runtime&, Stream, Type, const ChannelLaunch&,
                       const BnApplyBackwardOperands&);

}  // namespace preresnet::cuda
