// NativeLoader of lib/native/types.ts.
#pragma once
#include <napi.h>

#include <memory>

#include "addon/environment.h"
#include "addon/external_buffer.h"
#include "addon/task_thread.h"
#include "data/batch_cut.h"
#include "interfaces/batch_source.h"

namespace preresnet {

/// What outlives the JavaScript object while something still runs.
class LoaderState : public Stoppable {
 public:
  ~LoaderState() override { thread.stop(); }
  void interrupt() override {
    if (source != nullptr) source->close();
  }
  void join() override { thread.stop(); }

  Napi::Reference<Napi::Uint8Array> images;  // keeps the memory that the workers read; goes last
  Napi::FunctionReference ask;               // what the workers ask for samples, or empty
  std::shared_ptr<BatchSource> source;       // null after close(); JavaScript thread only
  ExternalBuffers buffers;                   // over the ring's slots
  TaskThread thread;                         // waits for batches that JavaScript asked for
};

/// tarMember of lib/native/types.ts.
Napi::Value tar_member_of(const Napi::CallbackInfo& info);

class LoaderObject : public Napi::ObjectWrap<LoaderObject> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Value create(const Napi::CallbackInfo& info);
  /// Of a value that must be a loader, else ERR_OPTION.
  static std::shared_ptr<LoaderState> state_of(const Napi::Value& value);

  explicit LoaderObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value batch(const Napi::CallbackInfo& info);
  Napi::Value batches(const Napi::CallbackInfo& info);
  Napi::Value samples(const Napi::CallbackInfo& info);
  Napi::Value corrupt(const Napi::CallbackInfo& info);
  Napi::Value acquire(const Napi::CallbackInfo& info);
  Napi::Value release(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  std::shared_ptr<LoaderState> state_;
  int64_t batch_ = 0;
  BatchCut cut_;
};

}  // namespace preresnet
