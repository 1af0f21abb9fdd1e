// Native memory as an ArrayBuffer.
#pragma once
#include <napi.h>

#include <cstddef>
#include <memory>

namespace preresnet {

/// A buffer over memory that `keep` keeps alive; empty where this runtime forbids buffers over
/// foreign memory.
Napi::ArrayBuffer external_buffer(Napi::Env env, void* data, size_t bytes,
                                  std::shared_ptr<void> keep);

}  // namespace preresnet
