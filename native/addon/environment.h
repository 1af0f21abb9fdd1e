// What belongs to one JavaScript thread: its promises, and the native threads to end before it
// goes.
#pragma once
#include <napi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace preresnet {

/// Something with a native thread.
class Stoppable {
 public:
  virtual ~Stoppable() = default;
  /// Asks it to end what it does and to forget what it was to do. Does not wait.
  virtual void interrupt() = 0;
  /// Waits for its thread.
  virtual void join() = 0;
};

class DecodePool;

/// Makes a promise's value, on the JavaScript thread. May throw, which rejects it.
using Completion = std::function<Napi::Value(Napi::Env)>;

class Environment {
 public:
  explicit Environment(Napi::Env env);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  /// A promise that `work`, done by another thread, settles: `work` returns the completion or
  /// throws. `keep` lives until it is settled. `post` hands the task to that thread.
  Napi::Promise promise(std::shared_ptr<void> keep,
                        const std::function<void(std::function<void()>)>& post,
                        std::function<Completion()> work);
  void add(const std::shared_ptr<Stoppable>& member);
  /// Made when it is first asked for.
  const std::shared_ptr<DecodePool>& decode_pool();
  /// Runs `call` on the JavaScript thread, soon. From any thread; once this environment's members
  /// were interrupted, only from threads that these join. Keeps no process alive: that is for
  /// promises.
  void post(std::function<void(Napi::Env)> call);

  Napi::FunctionReference session_class;
  Napi::FunctionReference loader_class;
  Napi::FunctionReference ranks_class;

 private:
  struct Pending {
    Napi::Promise::Deferred deferred;
    std::shared_ptr<void> keep;
  };

  void settle(Napi::Env env, uint64_t id, const Completion& completion);
  static void on_call(napi_env env, napi_value, void*, void* data);
  static void on_exit(napi_async_cleanup_hook_handle handle, void* self);

  Napi::Env env_;
  napi_threadsafe_function calls_ = nullptr;
  uint64_t next_id_ = 0;
  std::unordered_map<uint64_t, Pending> pending_;
  std::vector<std::weak_ptr<Stoppable>> members_;
  std::shared_ptr<DecodePool> decode_pool_;
};

/// Runs `call` and turns every C++ exception into a JavaScript one that carries its code.
Napi::Value guarded(Napi::Env env, const std::function<Napi::Value()>& call);
/// The JavaScript error for the exception being handled.
Napi::Error current_error(Napi::Env env);

}  // namespace preresnet
