#include "addon/decode_pool.h"

#include <algorithm>
#include <utility>

#include "core/system.h"

namespace preresnet {

namespace {

int thread_count() { return std::max(2, allowed_threads()); }

/// Small images take some ten milliseconds. Of large ones 2^23 pixels a thread are decoded at a
/// time, but at least 2^25, which is one of the largest that a Classifier takes by default: 3 bytes
/// a pixel, 9 of some JPEG files.
DecodeLimits limits_for(int threads) {
  constexpr int64_t kSmall = int64_t{1} << 21, kShare = int64_t{1} << 23;
  return {threads, kSmall, kShare * std::max(threads, 4)};
}

}  // namespace

DecodePool::DecodePool() : turns_(limits_for(thread_count())) {
  for (int thread = 0; thread < thread_count(); ++thread) {
    threads_.emplace_back([this] { work(); });
  }
}

DecodePool::~DecodePool() {
  interrupt();
  join();
}

uint64_t DecodePool::post(int64_t pixels, std::function<void()> task) {
  uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = turns_.add(pixels);
    tasks_.emplace(number, std::move(task));
  }
  changed_.notify_one();
  return number;
}

std::function<void()> DecodePool::withdraw(uint64_t number) {
  const std::lock_guard lock(mutex_);
  if (!turns_.remove(number)) return {};
  return std::move(tasks_.extract(number).mapped());
}

void DecodePool::interrupt() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

void DecodePool::join() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void DecodePool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    std::optional<uint64_t> number;
    changed_.wait(lock, [&] { return stopping_ || (number = turns_.begin()).has_value(); });
    if (stopping_) return;
    {
      const auto task = tasks_.extract(*number);
      lock.unlock();
      task.mapped()();
    }
    lock.lock();
    turns_.end(*number);
    // A large image that ends can let several begin.
    changed_.notify_all();
  }
}

}  // namespace preresnet
