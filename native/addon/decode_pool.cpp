#include "addon/decode_pool.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/system.h"

namespace preresnet {

namespace {

/// Small images take some ten milliseconds. Of large ones 2^23 pixels a thread are decoded at a
/// time, but at least 2^25, which is one of the largest that a Classifier takes by default: 3 bytes
/// a pixel, 9 of some JPEG files.
DecodeLimits limits_for(int threads) {
  constexpr int64_t kSmall = int64_t{1} << 21, kShare = int64_t{1} << 23;
  return {threads, kSmall, kShare * std::max(threads, 4)};
}

}  // namespace

DecodePool::DecodePool() : DecodePool(std::max(2, allowed_threads())) {}

DecodePool::DecodePool(int threads) : turns_(limits_for(threads)) {
  try {
    for (int thread = 0; thread < threads; ++thread) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    interrupt();
    join();
    throw Error("ERR_MEMORY", "cannot start " + std::to_string(threads) +
                                  " threads to decode images: " + error.what());
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
  auto task = std::move(tasks_.extract(number).mapped());
  wake_all();
  return task;
}

/// A large image that ends or leaves can let several begin. A lone one wakes nobody.
void DecodePool::wake_all() {
  if (!tasks_.empty()) changed_.notify_all();
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
    wake_all();
  }
}

}  // namespace preresnet
