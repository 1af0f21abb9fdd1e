// NativeSession of lib/native/types.ts.
#pragma once
#include <napi.h>

#include <atomic>
#include <memory>

#include "addon/environment.h"
#include "addon/external_buffer.h"
#include "addon/inferences.h"
#include "addon/task_thread.h"
#include "program/session.h"

namespace preresnet {

/// What outlives the JavaScript object while something still runs.
class SessionState : public Stoppable, public std::enable_shared_from_this<SessionState> {
 public:
  ~SessionState() override {
    interrupt();
    thread.stop();
  }
  void interrupt() override {
    ending = true;
    if (session != nullptr) session->cancel();
  }
  void join() override { thread.stop(); }

  std::unique_ptr<Session>
      session;  // made on the thread, seen by JavaScript once creating it is settled
  std::atomic<bool> ending{false};  // the JavaScript thread goes: what is queued is not begun
  bool disposing = false;           // JavaScript thread only, as the rest
  bool disposed = false;
  ExternalBuffers buffers;  // over arenas
  TaskThread thread;
  Inferences inferences{thread};  // on the thread
};

class SessionObject : public Napi::ObjectWrap<SessionObject> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Value create(const Napi::CallbackInfo& info);

  explicit SessionObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value memory(const Napi::CallbackInfo& info);
  Napi::Value allocate(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value read_floats(const Napi::CallbackInfo& info);
  Napi::Value write(const Napi::CallbackInfo& info);
  Napi::Value write_floats(const Napi::CallbackInfo& info);
  Napi::Value view(const Napi::CallbackInfo& info);
  Napi::Value share(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value infer(const Napi::CallbackInfo& info);
  Napi::Value measureRoofline(const Napi::CallbackInfo& info);
  Napi::Value cancel(const Napi::CallbackInfo& info);
  Napi::Value trace(const Napi::CallbackInfo& info);
  Napi::Value bytes_moved(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  void require_usable() const;
  Napi::Promise later(Napi::Env env, std::function<Completion(Session&)> work,
                      std::shared_ptr<void> keep = nullptr);

  std::shared_ptr<SessionState> state_;
};

}  // namespace preresnet
