#include "data/order.h"

#include <cstddef>
#include <utility>

#include "core/philox.h"

namespace preresnet {
namespace {

// Last word of the counter: two uses never share a block.
enum Stream : uint32_t { kOrder = 0x6f726472, kPlacement = 0x706c6163 };

PhiloxCounter draw(uint64_t seed, uint64_t epoch, uint64_t index, Stream stream) {
  return philox({static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
                 static_cast<uint32_t>(epoch), stream},
                philox_key(seed));
}

// floor(r * bound / 2^64) for the 64-bit number r = high : low. The bias is below bound / 2^64.
uint32_t bounded(uint32_t high, uint32_t low, uint64_t bound) {
  return static_cast<uint32_t>((high * bound + (low * bound >> 32)) >> 32);
}

}  // namespace

void shuffle_epoch(uint64_t seed, uint64_t epoch, std::vector<uint32_t>& order) {
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(i);
  PhiloxCounter block{};
  for (size_t step = 0; step + 1 < order.size(); ++step) {
    if (step % 2 == 0) block = draw(seed, epoch, step / 2, kOrder);
    const size_t half = step % 2 * 2;
    const size_t last = order.size() - 1 - step;
    std::swap(order[last], order[bounded(block[half], block[half + 1], last + 1)]);
  }
}

Crop random_crop(uint64_t seed, uint64_t epoch, uint64_t sample, int64_t pad, bool flip) {
  const PhiloxCounter block = draw(seed, epoch, sample, kPlacement);
  const uint64_t positions = 2 * static_cast<uint64_t>(pad) + 1;
  return {static_cast<int32_t>(block[0] * positions >> 32),
          static_cast<int32_t>(block[1] * positions >> 32),
          flip ? static_cast<int32_t>(block[2] >> 31) : 0};
}

}  // namespace preresnet
