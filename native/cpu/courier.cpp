#include "cpu/courier.h"

#include <utility>

namespace preresnet::cpu {

Courier::Courier() : thread_([this] { loop(); }) {}

Courier::~Courier() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Courier::take(Parcel& parcel, Communicator& ranks) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({&parcel, &ranks});
  }
  changed_.notify_all();
}

void Courier::finish() {
  drain();
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Courier::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return done_ == queue_.size(); });
  queue_.clear();
  done_ = 0;
}

void Courier::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ends_ || done_ < queue_.size(); });
    if (done_ == queue_.size()) return;
    const Task task = queue_[done_];
    // Behind a failure nothing can be sent: the other ranks have heard of it.
    if (failure_ == nullptr) {
      lock.unlock();
      std::exception_ptr failure;
      try {
        deliver(task);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      failure_ = failure;
    }
    ++done_;
    changed_.notify_all();
  }
}

void Courier::deliver(const Task& task) {
  Parcel& parcel = *task.parcel;
  parcel.begin = std::chrono::steady_clock::now();
  const size_t floats = parcel.sums->piece_bytes() / sizeof(float);
  for (int64_t piece = 0; piece < parcel.sums->pieces(); ++piece) {
    parcel.sums->add(*task.ranks, piece, parcel.packed + static_cast<size_t>(piece) * floats,
                     parcel.theirs, parcel.waiting);
  }
  parcel.end = std::chrono::steady_clock::now();
}

}  // namespace preresnet::cpu
