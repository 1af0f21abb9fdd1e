// What was enqueued on the emulated device and has not run yet: a graph of small pieces of work,
// run in a random order that its edges allow.
#pragma once
#include <cstdint>
#include <functional>
#include <random>
#include <unordered_map>
#include <vector>

namespace preresnet::cuda::emulation {

class Pending {
 public:
  /// Of a piece of work; 0 is none.
  using Id = uint64_t;

  /// seed 0: in the order of enqueueing. Else the seed chooses between orders drawn piece by piece,
  /// orders that let one stream run as far ahead of others as edges allow, and orders in bursts.
  explicit Pending(uint64_t seed);

  /// Needs that are done already, or 0, do not count.
  Id add(int stream, const std::vector<Id>& needs, std::function<void()> work);
  bool done(Id id) const { return waiting_.find(id) == waiting_.end(); }
  /// Runs until that piece is done, and perhaps others, as a device would.
  void run_until(Id id);
  /// Runs for a while, at most until that piece is done: in the order of enqueueing until it is.
  void run_some(Id id);

 private:
  struct Work {
    int stream;
    size_t unmet;
    std::vector<Id> dependents;
    std::function<void()> work;
  };
  enum class Order : uint8_t { enqueued, random, priority, bursts };

  size_t choose();
  void run_one();

  Order order_ = Order::enqueued;
  std::mt19937_64 random_;
  std::vector<int> priorities_;  // a stream
  int burst_stream_ = 0;
  uint64_t burst_left_ = 0;
  Id last_ = 0;
  std::unordered_map<Id, Work> waiting_;
  std::vector<Id> ready_;
};

}  // namespace preresnet::cuda::emulation
