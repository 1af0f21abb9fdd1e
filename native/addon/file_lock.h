// lockFile of lib/native/types.ts.
#pragma once
#include <napi.h>

namespace preresnet {

/// (descriptor) -> a function that gives the lock back, or null where another one has it. The lock
/// ends with that function at the latest, when it is collected or its thread ends.
Napi::Value lock_file(const Napi::CallbackInfo& info);

}  // namespace preresnet
