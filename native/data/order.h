// Which sample stands where, and how it is cropped: functions of (seed, epoch, index) and of
// nothing else.
#pragma once
#include <cstdint>
#include <vector>

namespace preresnet {

/// Fills `order` (its size says how many samples there are) with the shuffled sample indices of an
/// epoch.
void shuffle_epoch(uint64_t seed, uint64_t epoch, std::vector<uint32_t>& order);

/// What the random steps of one image are drawn by.
struct Draw {
  uint64_t seed = 0;
  uint64_t epoch = 0;  // 0 in evaluation
  uint64_t sample = 0;
};

struct Crop {
  int32_t top = 0;  // of the crop in the padded image
  int32_t left = 0;
  int32_t mirror = 0;  // 1: left and right exchanged
};

/// Uniform among the (2 pad + 1)^2 positions; mirrored half of the time where `flip`.
Crop random_crop(uint64_t seed, uint64_t epoch, uint64_t sample, int64_t pad, bool flip);

}  // namespace preresnet
