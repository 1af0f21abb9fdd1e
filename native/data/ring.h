// Who may touch which slot of the ring, and when. Knows nothing of images.
//
// A slot is free, being filled (by several workers, a range of samples each), ready, or held by a
// reader. The ring fills what somebody waits for and then what comes after the batch that was taken
// last. A reader that jumps (a resumed run, a second pass) makes it give up what nobody wants any
// more.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace preresnet {

class Ring {
 public:
  /// A range of samples of one batch that one worker fills.
  struct Task {
    int slot = 0;
    uint64_t batch = 0;
    int64_t first = 0;
    int64_t last = 0;  // one past the end
  };
  struct Failure {
    int64_t sample = -1;  // position in the batch; -1: none
    std::string code;
    std::string message;
  };

  static constexpr uint64_t kEndless = ~uint64_t{0};

  /// samples: of a batch; grain: of a task; batches: how many there are.
  Ring(int slots, int64_t samples, int64_t grain, uint64_t batches);

  /// For workers: waits for something to do; false when the ring was closed.
  bool take(Task*);
  void finish(const Task&, const Failure&);

  /// For readers, as BatchSource. Of several failures of a batch the one of the first sample is
  /// thrown.
  bool acquire(uint64_t batch, int* slot, uint64_t* ticket);
  void release(uint64_t ticket);
  /// Of a batch that is held, else ERR_INTERNAL.
  int slot_of(uint64_t ticket) const;
  void close();

 private:
  enum class State : uint8_t { free, filling, ready, held };
  struct Slot {
    State state = State::free;
    bool abandoned =
        false;  // filled in part, and nobody wants it: free as soon as its tasks are finished
    uint64_t batch = 0;
    uint64_t generation = 0;  // grows when a reader takes the slot and when it gives it back
    int64_t next = 0;         // first sample that no task has
    int tasks = 0;            // not finished
    Failure failure;
  };

  bool wanted(uint64_t batch) const;
  bool ahead(uint64_t batch) const;
  /// Index of the slot that will hold, or holds, this batch for the next reader; -1.
  int find(uint64_t batch) const;
  int find_free() const;
  int find_victim() const;
  void start(int slot, uint64_t batch);
  void settle(Slot&);
  void schedule();
  int held_slot(uint64_t ticket) const;

  const int64_t samples_;
  const int64_t grain_;
  const uint64_t batches_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable progress_;
  std::vector<Slot> slots_;
  std::vector<uint64_t> waiting_;  // batches that readers wait for
  uint64_t cursor_ = 0;            // the batch after the one that was taken last
  bool closed_ = false;
};

}  // namespace preresnet
