// NativeRanks of lib/native/types.ts.
#pragma once
#include <napi.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "addon/environment.h"
#include "addon/task_thread.h"
#include "communicator/ranks.h"

namespace preresnet {

/// What outlives the JavaScript object while something still runs.
class RanksState : public Stoppable, public std::enable_shared_from_this<RanksState> {
 public:
  ~RanksState() override;
  void interrupt() override;
  void join() override;

  using MakeEngine = std::function<std::unique_ptr<Engine>()>;
  /// Makes the engine on the thread, where it may wait for other ranks as long as it likes.
  void open(MakeEngine make, double silence);
  /// Returns when `open` is done. ERR_RANK where that takes longer: then the thread is left to
  /// itself, since nobody can end what it waits for.
  void wait_until_open(std::chrono::milliseconds limit);

  /// Opened on the thread, seen by JavaScript once that is settled.
  std::shared_ptr<Ranks> ranks;
  TaskThread thread;
  /// Waits for that thread while ranks are opened.
  std::thread waiter;

 private:
  void opened(std::unique_ptr<Engine>, double silence, const std::exception_ptr& failure);

  std::mutex mutex_;  // guards `ranks` until they are open, and what follows
  std::condition_variable changed_;
  std::exception_ptr failure_;
  bool settled_ = false, interrupted_ = false, left_ = false;
};

class RanksObject : public Napi::ObjectWrap<RanksObject> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Value open(const Napi::CallbackInfo& info);
  /// For a session: of what `define` made. It keeps the ranks.
  static std::shared_ptr<Communicator> steps_of(const Napi::Value& value);

  explicit RanksObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value rank(const Napi::CallbackInfo& info);
  Napi::Value ranks(const Napi::CallbackInfo& info);
  Napi::Value engine(const Napi::CallbackInfo& info);
  Napi::Value gather(const Napi::CallbackInfo& info);
  Napi::Value broadcast(const Napi::CallbackInfo& info);
  Napi::Value doing(const Napi::CallbackInfo& info);
  Napi::Value fail(const Napi::CallbackInfo& info);
  Napi::Value leave(const Napi::CallbackInfo& info);

  Napi::Promise later(Napi::Env env, std::function<Completion(Ranks&)> work);

  std::shared_ptr<RanksState> state_;
};

}  // namespace preresnet
