#include "addon/task_thread.h"

#include <chrono>
#include <utility>

namespace preresnet {

namespace {
/// Short beside what is looked at, long beside looking: an inference takes milliseconds.
constexpr std::chrono::microseconds kMoment{50};
}  // namespace

TaskThread::TaskThread() : thread_([this] { loop(); }) {}

void TaskThread::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
}

void TaskThread::post_idle(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (!stopping_) idle_task_ = std::move(task);
}

void TaskThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void TaskThread::loop() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      const auto called = [this] { return stopping_ || !tasks_.empty(); };
      if (idle_task_ == nullptr) {
        changed_.wait(lock, called);
      } else {
        changed_.wait_for(lock, kMoment, called);
      }
      if (!tasks_.empty()) {
        task = std::move(tasks_.front());
        tasks_.pop_front();
      } else if (idle_task_ != nullptr) {
        task = std::exchange(idle_task_, nullptr);
      } else {
        return;
      }
    }
    task();
  }
}

}  // namespace preresnet
