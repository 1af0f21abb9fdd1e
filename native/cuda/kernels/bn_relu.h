#pragma once
#include "cuda/convolution.h"
#include "cuda/kernels/channel_grid.h"

namespace preresnet::cuda {

struct BnReluOperands {
  const void* x;
  ChannelVector scale, bias;
  void* y;
  bool relu;
};
void bn_relu(Runtime&, Stream, Type, const ChannelLaunch&, const BnReluOperands&);

}  // namespace preresnet::cuda
