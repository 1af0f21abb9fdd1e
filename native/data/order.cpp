#include "data/order.h"

#include <cstddef>
#include <utility>

#include "data/draw.h"

namespace preresnet {
namespace {

// floor(r * bound / 2^64) for the 64-bit number r = high : low. The bias is below bound / 2^64.
uint32_t bounded(uint32_t high, uint32_t low, uint64_t bound) {
  return static_cast<uint32_t>((high * bound + (low * bound >> 32)) >> 32);
}

}  // namespace

void shuffle_epoch(uint64_t seed, uint64_t epoch, std::vector<uint32_t>& order) {
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(i);
  PhiloxCounter block{};
  for (size_t step = 0; step + 1 < order.size(); ++step) {
    if (step % 2 == 0) block = random_block({seed, epoch, step / 2}, kOrderStream);
    const size_t half = step % 2 * 2;
    const size_t last = order.size() - 1 - step;
    std::swap(order[last], order[bounded(block[half], block[half + 1], last + 1)]);
  }
}

}  // namespace preresnet
