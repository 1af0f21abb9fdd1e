#pragma once
#include <cstdint>

#include "cuda/convolution.h"
#include "cuda/kernels/channel_grid.h"

namespace preresnet::cuda {

/// y (images x channels, plain) = mean over the pixels of t(x), x NHWC with padded channels.
struct BnReluGlobalAveragePoolParameters {
  const void* x;
  ChannelVector scale, bias;
  float* y;
  int images, pixels, channels;
  int groups;  // of the images
  bool relu;
};
void bn_relu_global_average_pool(Runtime&, Stream, Type, const BnReluGlobalAveragePoolParameters&);

/// dx = dy / pixels, zero where the ReLU in t was; sums of dx and dx * x where they are wanted. dy
/// is images x channels, plain.
struct GlobalAveragePoolBackwardOperands {
  const float* dy;
  const void* x;
  ChannelVector scale, bias;
  void* dx;
  int pixels, channels;
  bool relu;
};
void global_average_pool_backward(Runtime&, Stream, Type, const ChannelLaunch&, const ChannelSums&,
                                  const GlobalAveragePoolBackwardOperands&);

}  // namespace preresnet::cuda
