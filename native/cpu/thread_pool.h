// Threads that share out numbered tasks. Which thread takes which task is left to chance, or to
// caches, so no task may care.
#pragma once
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace preresnet::cpu {

class ThreadPool {
 public:
  /// threads >= 1, the caller of run() among them.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls function(thread, task) for every task in 0 .. tasks - 1, begun in that order; thread is
  /// below threads() and held by one task at a time. Rethrows a task's exception. Allocates
  /// nothing.
  template <class Function>
  void run(int64_t tasks, Function&& function) {
    run_erased(tasks, 1, context_of(function), call_of<Function>());
  }

  /// The same in another order: every thread begins with the same share of the tasks in each call,
  /// so that of what it wrote it reads most again, and helps the others when that is done.
  template <class Function>
  void run_same_shares(int64_t tasks, Function&& function) {
    run_erased(tasks, threads(), context_of(function), call_of<Function>());
  }

 private:
  using Call = void (*)(void* context, int thread, int64_t task);

  template <class Function>
  static void* context_of(Function& function) {
    return const_cast<std::remove_const_t<Function>*>(&function);
  }
  template <class Function>
  static Call call_of() {
    return [](void* context, int thread, int64_t task) {
      (*static_cast<std::remove_reference_t<Function>*>(context))(thread, task);
    };
  }

  /// A cache line of its own for each.
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
  };

  /// shares: at most threads(); thread k begins with share k, counted round.
  void run_erased(int64_t tasks, int shares, void* context, Call call);
  void work(int thread);
  void take_tasks(int thread);
  void take_share(int thread, int share);
  void do_task(int thread, int64_t task);
  int64_t share_begin(int share) const { return share * tasks_ / shares_; }

  std::vector<std::thread> workers_;
  Call call_ = nullptr;
  void* context_ = nullptr;
  int64_t tasks_ = 0;
  int shares_ = 1;
  std::vector<Share> share_;          // one a thread, of which the first `shares_` are in use
  std::atomic<uint32_t> round_{0};    // changes when there is work
  std::atomic<uint32_t> working_{0};  // workers that have not finished this round
  std::atomic<bool> stop_{false};
  std::mutex error_mutex_;
  std::exception_ptr error_;
};

/// Lets tasks do one part of their work in the order of their numbers.
class Sequence {
 public:
  void restart() { turn_.store(0, std::memory_order_relaxed); }
  /// Returns when pass() has been called for all tasks before this one.
  void await(int64_t task);
  void pass(int64_t task);

 private:
  std::atomic<int64_t> turn_{0};
};

}  // namespace preresnet::cpu
