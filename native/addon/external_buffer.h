// Native memory as ArrayBuffers.
#pragma once
#include <napi.h>

#include <cstddef>
#include <map>
#include <memory>

namespace preresnet {

/// Buffers over native memory: at most one over each, as the runtime demands. On the JavaScript
/// thread.
class ExternalBuffers {
 public:
  /// The buffer over memory that `keep` keeps alive; empty where this runtime forbids buffers over
  /// foreign memory.
  Napi::ArrayBuffer over(Napi::Env env, void* data, size_t bytes,
                         const std::shared_ptr<void>& keep);
  /// Takes the memory away from JavaScript: its views have no elements from then on.
  void detach();

 private:
  std::map<const void*, Napi::Reference<Napi::ArrayBuffer>> buffers_;
};

}  // namespace preresnet
