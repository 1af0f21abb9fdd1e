#include "data/decode_turns.h"

#include <algorithm>

namespace preresnet {

uint64_t DecodeTurns::add(int64_t pixels) {
  const uint64_t number = arrivals_++;
  const bool large = pixels > limits_.small;
  (large ? large_ : small_).push_back({number, large ? std::min(pixels, limits_.budget) : 0});
  return number;
}

/// Whose first image may begin.
std::deque<DecodeTurns::Image>* DecodeTurns::next() {
  if (static_cast<int64_t>(running_.size()) >= limits_.most) return nullptr;
  const bool fits = !large_.empty() && large_running_ < std::max<int64_t>(1, limits_.most - 1) &&
                    cost_ + large_.front().cost <= limits_.budget;
  if (fits && (small_.empty() || large_.front().number < small_.front().number)) return &large_;
  return small_.empty() ? nullptr : &small_;
}

std::optional<uint64_t> DecodeTurns::begin() {
  std::deque<Image>* queue = next();
  if (queue == nullptr) return {};
  const Image image = queue->front();
  queue->pop_front();
  running_.emplace(image.number, image.cost);
  large_running_ += image.cost > 0 ? 1 : 0;
  cost_ += image.cost;
  return image.number;
}

void DecodeTurns::end(uint64_t number) {
  const auto entry = running_.find(number);
  large_running_ -= entry->second > 0 ? 1 : 0;
  cost_ -= entry->second;
  running_.erase(entry);
}

bool DecodeTurns::remove(uint64_t number) {
  for (std::deque<Image>* queue : {&small_, &large_}) {
    const auto at =
        std::lower_bound(queue->begin(), queue->end(), number,
                         [](const Image& image, uint64_t wanted) { return image.number < wanted; });
    if (at == queue->end() || at->number != number) continue;
    queue->erase(at);
    return true;
  }
  return false;
}

}  // namespace preresnet
