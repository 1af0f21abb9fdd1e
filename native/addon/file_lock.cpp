#include "addon/file_lock.h"

#include <memory>

#include "addon/environment.h"
#include "core/error.h"
#include "core/file_lock.h"

namespace preresnet {

Napi::Value lock_file(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!info[0].IsNumber()) throw Error("ERR_OPTION", "descriptor: expected a number");
    std::shared_ptr<FileLock> lock = FileLock::take(info[0].As<Napi::Number>().Int32Value());
    if (lock == nullptr) return info.Env().Null();
    return Napi::Function::New(info.Env(),
                               [lock](const Napi::CallbackInfo&) mutable { lock.reset(); });
  });
}

}  // namespace preresnet
