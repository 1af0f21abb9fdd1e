// The orders of the epochs in use: mostly two. Their memory goes from epoch to epoch.
#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <vector>

namespace preresnet {

class EpochOrders {
  struct Entry {
    uint64_t epoch = 0;
    uint64_t used = 0;  // when: larger is later
    int readers = 0;
    std::vector<uint32_t> order;
  };

 public:
  /// Holds an order; its memory is not reused meanwhile.
  class Lease {
   public:
    Lease(EpochOrders* orders, uint64_t epoch) : orders_(orders), entry_(orders->enter(epoch)) {}
    ~Lease() { orders_->leave(entry_); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    uint32_t operator[](size_t rank) const { return entry_->order[rank]; }

   private:
    EpochOrders* orders_;
    Entry* entry_;
  };

  /// balanced: classes are drawn instead of shuffling the samples.
  EpochOrders(uint64_t seed, const std::vector<int32_t>& labels, bool balanced);

 private:
  Entry* enter(uint64_t epoch);
  Entry* use(Entry& entry);
  void leave(Entry* entry);

  const uint64_t seed_;
  const size_t samples_;
  const std::vector<std::vector<uint32_t>> classes_;  // of a balanced order, else none
  std::mutex mutex_;
  std::list<Entry> entries_;
  uint64_t clock_ = 0;
};

}  // namespace preresnet
