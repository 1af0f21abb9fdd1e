// On which stream each operation of a step runs and for which others it waits. Derived from the
// bytes that operations read and write, so that a wait cannot be forgotten; none is there that
// another one implies.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace preresnet::cuda {

/// Bytes [begin, end) of one address space.
struct ByteRange {
  size_t begin = 0, end = 0;
};

struct ScheduledWork {
  int stream = 0;  // 0: the main one, on which the step begins and ends
  std::vector<ByteRange> reads, writes;
};

struct Schedule {
  /// Instead of an operation: the point on the main stream where the step begins.
  static constexpr size_t kStart = static_cast<size_t>(-1);

  struct Item {
    std::vector<size_t> waits;  // operations of other streams, or kStart
    bool awaited = false;       // an event has to be recorded after it
  };
  std::vector<Item> items;    // one an operation
  std::vector<size_t> joins;  // operations for which the main stream waits at the end
  bool start_awaited = false;

  size_t waits() const;
};

/// `work` in an order in which it would be right on one stream.
Schedule make_schedule(const std::vector<ScheduledWork>& work, int streams);

}  // namespace preresnet::cuda
