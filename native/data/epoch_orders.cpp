#include "data/epoch_orders.h"

#include "data/order.h"

namespace preresnet {

EpochOrders::EpochOrders(uint64_t seed, const std::vector<int32_t>& labels, bool balanced)
    : seed_(seed),
      samples_(labels.size()),
      classes_(balanced ? samples_by_class(labels) : std::vector<std::vector<uint32_t>>{}) {}

// Made under the lock: the others would have to wait for this order anyway.
EpochOrders::Entry* EpochOrders::enter(uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  Entry* oldest = nullptr;
  for (Entry& entry : entries_) {
    if (entry.epoch == epoch) return use(entry);
    if (entry.readers == 0 && (oldest == nullptr || entry.used < oldest->used)) oldest = &entry;
  }
  if (oldest == nullptr || entries_.size() < 2) {
    oldest = &entries_.emplace_back(Entry{.order = std::vector<uint32_t>(samples_)});
  }
  oldest->epoch = epoch;
  if (classes_.empty()) {
    shuffle_epoch(seed_, epoch, oldest->order);
  } else {
    balance_epoch(seed_, epoch, classes_, oldest->order);
  }
  return use(*oldest);
}

EpochOrders::Entry* EpochOrders::use(Entry& entry) {
  entry.used = ++clock_;
  ++entry.readers;
  return &entry;
}

void EpochOrders::leave(Entry* entry) {
  const std::lock_guard lock(mutex_);
  --entry->readers;
}

}  // namespace preresnet
