// Threads that decode and encode images, for all classifiers and packs of a JavaScript thread: not
// libuv's, which files and names of hosts need.
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "addon/environment.h"
#include "data/decode_turns.h"

namespace preresnet {

class DecodePool : public Stoppable {
 public:
  /// As many threads as the machine allows, and at least two: so that small images need not wait
  /// for a large one.
  DecodePool();
  ~DecodePool() override;
  DecodePool(const DecodePool&) = delete;
  DecodePool& operator=(const DecodePool&) = delete;

  /// pixels: of the image as it is stored. The task must not throw. Its number, for `withdraw`.
  uint64_t post(int64_t pixels, std::function<void()> task);
  /// The task, which is no longer the pool's; empty where it has begun.
  std::function<void()> withdraw(uint64_t number);

  void interrupt() override;
  void join() override;

 private:
  explicit DecodePool(int threads);
  void work();
  void wake_all();

  std::mutex mutex_;
  std::condition_variable changed_;
  DecodeTurns turns_;
  std::unordered_map<uint64_t, std::function<void()>> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace preresnet
