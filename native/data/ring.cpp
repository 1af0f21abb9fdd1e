#include "data/ring.h"

#include <algorithm>

#include "core/error.h"

namespace preresnet {
namespace {

// A ticket is a generation and, in its last bits, a slot.
constexpr int kSlotBits = 16;

}  // namespace

Ring::Ring(int slots, int64_t samples, int64_t grain, uint64_t batches)
    : samples_(samples), grain_(grain), batches_(batches), slots_(slots) {
  if (slots < 1 || slots >= 1 << kSlotBits)
    throw Error("ERR_OPTION", "slots: expected 1 to 65535, got " + std::to_string(slots));
  // Nothing is made before somebody asks: a resumed run begins anywhere.
}

bool Ring::wanted(uint64_t batch) const {
  return std::find(waiting_.begin(), waiting_.end(), batch) != waiting_.end();
}

bool Ring::ahead(uint64_t batch) const {
  return batch >= cursor_ && batch - cursor_ < slots_.size();
}

int Ring::find(uint64_t batch) const {
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.batch == batch && !slot.abandoned &&
        (slot.state == State::filling || slot.state == State::ready)) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

int Ring::find_free() const {
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].state == State::free) return static_cast<int>(i);
  }
  return -1;
}

// Of the slots that nobody waits for, one that is not ahead either, or else the one furthest ahead.
int Ring::find_victim() const {
  int victim = -1;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.state == State::free || slot.state == State::held || slot.abandoned ||
        wanted(slot.batch))
      continue;
    if (!ahead(slot.batch)) return static_cast<int>(i);
    if (victim < 0 || slot.batch > slots_[victim].batch) victim = static_cast<int>(i);
  }
  return victim;
}

void Ring::start(int index, uint64_t batch) {
  Slot& slot = slots_[index];
  slot.state = State::filling;
  slot.abandoned = false;
  slot.batch = batch;
  slot.next = 0;
  slot.tasks = 0;
  slot.failure.sample = -1;
}

// A slot that lost its last task is ready, or free.
void Ring::settle(Slot& slot) {
  if (slot.state != State::filling || slot.tasks > 0) return;
  if (slot.abandoned) {
    slot.state = State::free;
  } else if (slot.next == samples_) {
    slot.state = State::ready;
    progress_.notify_all();
  }
}

void Ring::schedule() {
  if (closed_) return;
  bool started = false;
  int64_t coming =
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.abandoned; });
  for (const uint64_t batch : waiting_) {
    if (find(batch) >= 0) continue;
    int slot = find_free();
    if (slot < 0) {
      // A slot that is being given up serves this reader as soon as its tasks are finished.
      if (coming-- > 0) continue;
      const int victim = find_victim();
      if (victim < 0) continue;
      slots_[victim].abandoned = slots_[victim].state == State::filling && slots_[victim].tasks > 0;
      if (slots_[victim].abandoned) continue;
      slots_[victim].state = State::free;
      slot = victim;
    }
    start(slot, batch);
    started = true;
  }
  for (size_t i = 0; i < slots_.size() && i < batches_ && cursor_ < batches_ - i; ++i) {
    const uint64_t batch = cursor_ + i;
    if (find(batch) >= 0) continue;
    int slot = find_free();
    if (slot < 0) {
      slot = find_victim();
      if (slot < 0 || ahead(slots_[slot].batch)) break;
      slots_[slot].abandoned = slots_[slot].state == State::filling && slots_[slot].tasks > 0;
      if (slots_[slot].abandoned) continue;
    }
    start(slot, batch);
    started = true;
  }
  if (started) work_.notify_all();
}

bool Ring::take(Task* task) {
  std::unique_lock lock(mutex_);
  while (!closed_) {
    Slot* best = nullptr;
    uint64_t best_distance = 0;
    for (Slot& slot : slots_) {
      if (slot.state != State::filling || slot.abandoned || slot.next == samples_) continue;
      // What a reader waits for comes first; unsigned, so that a batch behind the cursor is far
      // away.
      const uint64_t distance = wanted(slot.batch) ? 0 : slot.batch - cursor_ + 1;
      if (best != nullptr && distance >= best_distance) continue;
      best = &slot;
      best_distance = distance;
    }
    if (best != nullptr) {
      task->slot = static_cast<int>(best - slots_.data());
      task->batch = best->batch;
      task->first = best->next;
      task->last = std::min(samples_, best->next + grain_);
      best->next = task->last;
      ++best->tasks;
      return true;
    }
    work_.wait(lock);
  }
  return false;
}

void Ring::finish(const Task& task, const Failure& failure) {
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_[task.slot];
  if (failure.sample >= 0 && (slot.failure.sample < 0 || failure.sample < slot.failure.sample))
    slot.failure = failure;
  --slot.tasks;
  settle(slot);
  if (slot.state == State::free) {
    slot.abandoned = false;
    schedule();
  }
}

bool Ring::acquire(uint64_t batch, int* slot, uint64_t* ticket) {
  std::unique_lock lock(mutex_);
  if (closed_ || batch >= batches_) return false;
  waiting_.push_back(batch);
  if (!ahead(batch)) cursor_ = batch;
  schedule();
  int found = -1;
  progress_.wait(lock, [&] {
    found = find(batch);
    return closed_ || (found >= 0 && slots_[found].state == State::ready);
  });
  waiting_.erase(std::find(waiting_.begin(), waiting_.end(), batch));
  if (closed_) return false;
  Slot& taken = slots_[found];
  cursor_ = batch + 1;
  if (taken.failure.sample >= 0) {
    taken.state = State::free;
    const Failure failure = taken.failure;
    schedule();
    throw Error(failure.code, failure.message);
  }
  taken.state = State::held;
  ++taken.generation;
  *slot = found;
  *ticket = taken.generation << kSlotBits | static_cast<uint64_t>(found);
  schedule();
  return true;
}

void Ring::release(uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_[held_slot(ticket)];
  slot.state = State::free;
  ++slot.generation;
  schedule();
}

int Ring::slot_of(uint64_t ticket) const {
  const std::lock_guard lock(mutex_);
  return held_slot(ticket);
}

int Ring::held_slot(uint64_t ticket) const {
  const uint64_t index = ticket & ((uint64_t{1} << kSlotBits) - 1);
  if (index >= slots_.size() || slots_[index].state != State::held ||
      slots_[index].generation != ticket >> kSlotBits) {
    throw Error("ERR_INTERNAL",
                "expected the ticket of a batch that is held, got one that was released before");
  }
  return static_cast<int>(index);
}

void Ring::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  work_.notify_all();
  progress_.notify_all();
}

}  // namespace preresnet
