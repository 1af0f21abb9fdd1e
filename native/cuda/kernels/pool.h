#pragma once
#include "cuda/convolution.h"
#include "cuda/kernels/channel_grid.h"

namespace preresnet::cuda {

/// A window slides over images of height x width; outputs are out_height x out_width.
struct PoolSizes {
  int height, width, out_height, out_width, kernel, stride, padding;
};

/// y from each window of t(x); sums of y and y * y where they are wanted. Rows are y's pixels.
struct BnReluPoolOperands {
  const void* x;
  ChannelVector scale, bias;
  void* y;
  PoolSizes sizes;
  bool relu;
};
/// The maximum.
void bn_relu_max_pool(Runtime&, Stream, Type, const ChannelLaunch&, const ChannelSums&,
                      const BnReluPoolOperands&);

/// dx = each dy given to the first maximum of its window, zero where the ReLU in t was; sums of dx
/// and dx * x where they are wanted. Two launches: rows of `windows` are dy's pixels, of `pixels`
/// x's. A window is at most 15 wide.
struct MaxPoolBackwardOperands {
  const void* dy;
  const void* x;
  ChannelVector scale, bias;
  void* dx;
  uint8_t* winners;  // workspace: as many bytes as dy has padded elements
  PoolSizes sizes;
  bool relu;
};
constexpr int kLargestPoolWindow = 15;
void max_pool_backward(Runtime&, Stream, Type, const ChannelLaunch& windows,
                       const ChannelLaunch& pixels, const ChannelSums&,
                       const MaxPoolBackwardOperands&);

}  // namespace preresnet::cuda
