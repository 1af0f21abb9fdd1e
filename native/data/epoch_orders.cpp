#include "data/epoch_orders.h"

#include "data/order.h"

namespace preresnet {

// Shuffles under the lock: the others would have to wait for this order anyway.
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
  shuffle_epoch(seed_, epoch, oldest->order);
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
