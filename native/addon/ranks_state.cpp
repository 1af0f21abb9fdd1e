// How ranks are opened and closed, on a thread of their own.
#include <pthread.h>

#include <cstdio>
#include <utility>
#include <vector>

#include "addon/ranks.h"
#include "core/error.h"

namespace preresnet {

namespace {

/// Other ranks of a machine see by the name of this thread that the process waits for them
/// (lib/ranks/absent.ts).
constexpr const char* kWhileJoining = "preresnet-join";
constexpr const char* kOnceJoined = "preresnet-ranks";

/// What waits inside of MPI needs its memory for as long as the process lives.
void keep_for_good(std::shared_ptr<RanksState> state) {
  static std::mutex mutex;
  static auto& kept = *new std::vector<std::shared_ptr<RanksState>>;
  const std::lock_guard lock(mutex);
  kept.push_back(std::move(state));
}

}  // namespace

RanksState::~RanksState() {
  interrupt();
  join();
}

void RanksState::interrupt() {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
  if (ranks != nullptr) ranks->fail("the process ended before its run");
}

void RanksState::join() {
  if (waiter.joinable()) waiter.join();
  const bool left = [this] {
    const std::lock_guard lock(mutex_);
    return left_;
  }();
  if (!left) thread.stop();
}

void RanksState::open(MakeEngine make, double silence) {
  thread.post([this, make = std::move(make), silence] {
    pthread_setname_np(pthread_self(), kWhileJoining);
    std::unique_ptr<Engine> engine;
    std::exception_ptr failure;
    try {
      engine = make();
    } catch (...) {
      failure = std::current_exception();
    }
    pthread_setname_np(pthread_self(), kOnceJoined);
    opened(std::move(engine), silence, failure);
  });
}

void RanksState::opened(std::unique_ptr<Engine> engine, double silence,
                        const std::exception_ptr& failure) {
  const std::lock_guard lock(mutex_);
  // Nobody wants it any more. It stays as it is: to close it may wait again.
  if (left_) return static_cast<void>(engine.release());
  failure_ = failure;
  if (engine != nullptr) ranks = std::make_shared<Ranks>(std::move(engine), silence);
  settled_ = true;
  changed_.notify_all();
}

void RanksState::wait_until_open(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [this] { return settled_ || interrupted_; });
  if (!settled_) {
    left_ = true;
    keep_for_good(shared_from_this());
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.3g", static_cast<double>(limit.count()) / 1000);
    throw Error("ERR_RANK", "expected all ranks to have joined within " + std::string(seconds) +
                                " s, got some that have not");
  }
  if (failure_ != nullptr) std::rethrow_exception(failure_);
}

}  // namespace preresnet
