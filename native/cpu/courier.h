// A thread that adds gradients over all ranks while the session's own goes on computing.
#pragma once
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "cpu/gradient_sums.h"

namespace preresnet::cpu {

/// Gradients under way. Its memory is nobody else's until `Courier::finish`.
struct Parcel {
  const GradientSums* sums = nullptr;
  float* packed = nullptr;  // all pieces, one behind another
  float* theirs = nullptr;
  float* waiting = nullptr;
  /// When it was under way.
  std::chrono::steady_clock::time_point begin, end;
};

class Courier {
 public:
  Courier();
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  /// So many parcels at most are under way at a time.
  void expect(size_t parcels) { queue_.reserve(parcels); }
  /// Ranks hand over the same parcels in the same order.
  void take(Parcel& parcel, Communicator& ranks);
  /// Waits for all parcels, and throws what the first one of them met.
  void finish();
  /// Waits for them, whatever comes of them.
  void drain();

 private:
  struct Task {
    Parcel* parcel;
    Communicator* ranks;
  };

  void loop();
  static void deliver(const Task& task);

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<Task> queue_;
  size_t done_ = 0;  // of the queue
  std::exception_ptr failure_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace preresnet::cpu
