#include "cpu/thread_pool.h"

#include <utility>

#include "cpu/onednn.h"

namespace preresnet::cpu {
namespace {

// Operations follow each other within microseconds while a step runs; between steps the threads
// sleep.
constexpr int kSpins = 2000;

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins shortly, then sleeps, until the value is no longer `old`.
template <class T>
T wait_for_change(const std::atomic<T>& value, T old) {
  for (int spin = 0; spin < kSpins; ++spin) {
    const T now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    relax();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int threads) : share_(static_cast<size_t>(threads)) {
  for (int thread = 1; thread < threads; ++thread) {
    workers_.emplace_back([this, thread] { work(thread); });
  }
}

ThreadPool::~ThreadPool() {
  stop_.store(true, std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run_erased(int64_t tasks, int shares, void* context, Call call) {
  if (tasks <= 0) return;
  const onednn::SingleThreaded single;  // the caller computes too
  call_ = call;
  context_ = context;
  tasks_ = tasks;
  shares_ = shares;
  for (int share = 0; share < shares; ++share) {
    share_[static_cast<size_t>(share)].next.store(share_begin(share), std::memory_order_relaxed);
  }
  const bool shared = tasks > 1 && !workers_.empty();
  if (shared) {
    working_.store(static_cast<uint32_t>(workers_.size()), std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
  }
  take_tasks(0);
  if (shared) {
    uint32_t working = working_.load(std::memory_order_acquire);
    while (working != 0) working = wait_for_change(working_, working);
  }
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void ThreadPool::work(int thread) {
  const onednn::SingleThreaded single;
  uint32_t round = 0;
  for (;;) {
    round = wait_for_change(round_, round);
    if (stop_.load(std::memory_order_relaxed)) return;
    take_tasks(thread);
    if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) working_.notify_one();
  }
}

void ThreadPool::take_tasks(int thread) {
  for (int k = 0; k < shares_; ++k) take_share(thread, (thread + k) % shares_);
}

void ThreadPool::take_share(int thread, int share) {
  std::atomic<int64_t>& next = share_[static_cast<size_t>(share)].next;
  const int64_t end = share_begin(share + 1);
  while (next.load(std::memory_order_relaxed) < end) {
    const int64_t task = next.fetch_add(1, std::memory_order_relaxed);
    if (task < end) do_task(thread, task);
  }
}

void ThreadPool::do_task(int thread, int64_t task) {
  try {
    call_(context_, thread, task);
  } catch (...) {
    const std::lock_guard lock(error_mutex_);
    if (!error_) error_ = std::current_exception();
  }
}

void Sequence::await(int64_t task) {
  int64_t turn = turn_.load(std::memory_order_acquire);
  while (turn != task) turn = wait_for_change(turn_, turn);
}

void Sequence::pass(int64_t task) {
  turn_.store(task + 1, std::memory_order_release);
  turn_.notify_all();
}

}  // namespace preresnet::cpu
