#include "cuda/emulation/pending.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"

namespace preresnet::cuda::emulation {

namespace {
constexpr int kStreams = 4;
constexpr uint64_t kLongestBurst = 32;
constexpr uint64_t kMostAtOnce = 128;
}  // namespace

Pending::Pending(uint64_t seed) : random_(seed), priorities_(kStreams) {
  if (seed != 0) order_ = static_cast<Order>(1 + seed % 3);
  std::iota(priorities_.begin(), priorities_.end(), 0);
  std::shuffle(priorities_.begin(), priorities_.end(), random_);
}

Pending::Id Pending::add(int stream, const std::vector<Id>& needs, std::function<void()> work) {
  const Id id = ++last_;
  Work item{.stream = stream, .unmet = 0, .dependents = {}, .work = std::move(work)};
  for (const Id need : needs) {
    const auto entry = waiting_.find(need);
    if (entry == waiting_.end()) continue;
    entry->second.dependents.push_back(id);
    ++item.unmet;
  }
  if (item.unmet == 0) ready_.push_back(id);
  waiting_.emplace(id, std::move(item));
  return id;
}

void Pending::run_until(Id id) {
  while (!done(id)) run_one();
  // The device does not stop where the host waits.
  if (order_ == Order::enqueued) return;
  for (uint64_t more = random_() % 8; more > 0 && !ready_.empty(); --more) run_one();
}

void Pending::run_some(Id id) {
  if (order_ == Order::enqueued) return run_until(id);
  for (uint64_t more = random_() % kMostAtOnce; more > 0 && !done(id); --more) run_one();
}

/// Index in ready_.
size_t Pending::choose() {
  const auto stream_of = [&](Id id) { return waiting_.at(id).stream; };
  const auto least = [&](auto&& rank) {
    const auto found = std::min_element(ready_.begin(), ready_.end(),
                                        [&](Id a, Id b) { return rank(a) < rank(b); });
    return static_cast<size_t>(found - ready_.begin());
  };
  switch (order_) {
    case Order::enqueued:
      return least([](Id id) { return id; });
    case Order::random:
      return random_() % ready_.size();
    case Order::priority:
      return least([&](Id id) {
        return std::pair(priorities_[static_cast<size_t>(stream_of(id) % kStreams)], id);
      });
    case Order::bursts:
      if (burst_left_ == 0) {
        burst_left_ = 1 + random_() % kLongestBurst;
        burst_stream_ = stream_of(ready_[random_() % ready_.size()]);
      }
      --burst_left_;
      return least([&](Id id) { return std::pair(stream_of(id) != burst_stream_, id); });
  }
  return 0;
}

void Pending::run_one() {
  if (ready_.empty()) {
    throw Error("ERR_INTERNAL", "the emulated device has work that waits for itself");
  }
  const size_t index = choose();
  const Id id = ready_[index];
  ready_[index] = ready_.back();
  ready_.pop_back();
  const auto entry = waiting_.find(id);
  // Kept where it is until it has run: what it throws is seen by whoever waits.
  Work work = std::move(entry->second);
  waiting_.erase(entry);
  for (const Id dependent : work.dependents) {
    if (--waiting_.at(dependent).unmet == 0) ready_.push_back(dependent);
  }
  if (work.work) work.work();
}

}  // namespace preresnet::cuda::emulation
