// How a channel-wise pass lies over [groups][rows][channels]: what host and kernels agree on.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/runtime.h"

namespace preresnet::cuda {

constexpr unsigned kChannelThreads = 256;

/// Rows are pixels of images. Channels are padded ones, a multiple of 8.
struct ChannelGrid {
  uint32_t rows = 0;      // of a group
  uint32_t channels = 0;  // of a row
  uint32_t lanes = 1;     // threads side by side, eight channels each; the others take other rows
};

/// Blocks: x are side by side over the channels, so that neighbors run at the same time; y share a
/// group's rows; z are groups.
struct ChannelLaunch {
  Dim3 grid;
  ChannelGrid channels;
};

/// A per-channel operand [groups][channels], f32; absent where data is null.
struct ChannelVector {
  const float* data = nullptr;
  uint32_t channels = 0;
  uint32_t each = 1;  // groups of the launch that share a row
};

/// Sums [groups][rows][channels], f32; none where data is null. Their partial sums lie in the
/// workspace: partial[groups][parts][terms][channels]. A launch writes `count` rows of each group.
struct ChannelSums {
  float* data = nullptr;
  float* partial = nullptr;
  unsigned* counters = nullptr;  // zeros, one a group and block side by side
  uint32_t each = 1;             // groups of the launch that are summed together
  uint32_t rows = 0;             // 0: as many as the pass has terms, as with count
  uint32_t count = 0;
};

}  // namespace preresnet::cuda
