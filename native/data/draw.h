// The random numbers of images. docs/data.md says which word decides what.
#pragma once
#include <cstdint>

#include "core/philox.h"

namespace preresnet {

/// What the random steps of one image are drawn by.
struct Draw {
  uint64_t seed = 0;
  uint64_t epoch = 0;  // 0 in evaluation
  uint64_t sample = 0;
  uint32_t copy = 0;  // of a sample that an epoch has several times in a row
};

/// Last word of the counter: two uses never share a block.
enum DrawStream : uint32_t {
  kOrderStream = 0x6f726472,  // the order of an epoch; a block is for two places, and has no image
  kBalanceStream =
      0x62616c61,  // a class and one of its samples; a block is for a place, and has no image
  kBorderStream = 0x706c6163,  // a crop in a border, and whether it is mirrored
  kResizeStream = 0x73697a65,  // a shorter side, and a crop after a resize
  kAreaStream = 0x61726500,    // a crop of random area; each attempt has the next one
  kMixStream = 0x6d690000,  // mixup and cutmix of a group; each attempt at a share has the next one
  kAugmentStream = 0x41000000  // augmentations: 256 for each place in their list
};

inline PhiloxCounter random_block(const Draw& draw, uint32_t stream) {
  return philox(
      {static_cast<uint32_t>(draw.sample), static_cast<uint32_t>(draw.sample >> 32) + draw.copy,
       static_cast<uint32_t>(draw.epoch), stream},
      philox_key(draw.seed));
}

}  // namespace preresnet
