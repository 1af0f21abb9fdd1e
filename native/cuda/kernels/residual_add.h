#pragma once
#include "cuda/convolution.h"
#include "cuda/kernels/channel_grid.h"

namespace preresnet::cuda {

struct ResidualAddOperands {
  const void* x;
  ChannelVector bias;
  const void* residual;  // may be null
  ChannelVector residual_scale, residual_bias;
  uint32_t residual_channels;  // padded
  uint32_t residual_height, residual_width;
  uint32_t height, width;  // of x
  uint32_t subsample;
  void* y;  // may be null
  bool residual_relu, relu;
};
/// Terms of sums: 2.
void residual_add(Runtime&, Stream, Type, const ChannelLaunch&, const ChannelSums&,
                  const ResidualAddOperands&);

}  // namespace preresnet::cuda
