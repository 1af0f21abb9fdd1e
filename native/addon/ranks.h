// NativeRanks of lib/native/types.ts.
#pragma once
#include <napi.h>

#include <memory>
#include <string>

#include "addon/environment.h"
#include "addon/task_thread.h"
#include "communicator/ranks.h"

namespace preresnet {

/// What outlives the JavaScript object while something still runs.
class RanksState : public Stoppable, public std::enable_shared_from_this<RanksState> {
 public:
  ~RanksState() override {
    interrupt();
    thread.stop();
  }
  void interrupt() override {
    if (ranks != nullptr) ranks->fail("the process ended before its run");
  }
  void join() override { thread.stop(); }

  /// Opened on the thread, seen by JavaScript once that is settled.
  std::shared_ptr<Ranks> ranks;
  TaskThread thread;
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
