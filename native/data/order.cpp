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

std::vector<std::vector<uint32_t>> samples_by_class(const std::vector<int32_t>& labels) {
  std::vector<std::vector<uint32_t>> classes;
  for (size_t sample = 0; sample < labels.size(); ++sample) {
    if (labels[sample] < 0) continue;
    const auto label = static_cast<size_t>(labels[sample]);
    if (label >= classes.size()) classes.resize(label + 1);
    classes[label].push_back(static_cast<uint32_t>(sample));
  }
  std::erase_if(classes, [](const auto& samples) { return samples.empty(); });
  return classes;
}

void balance_epoch(uint64_t seed, uint64_t epoch, const std::vector<std::vector<uint32_t>>& classes,
                   std::vector<uint32_t>& order) {
  for (size_t place = 0; place < order.size(); ++place) {
    const PhiloxCounter words = random_block({seed, epoch, place}, kBalanceStream);
    const std::vector<uint32_t>& samples = classes[bounded(words[0], words[1], classes.size())];
    order[place] = samples[bounded(words[2], words[3], samples.size())];
  }
}

}  // namespace preresnet
