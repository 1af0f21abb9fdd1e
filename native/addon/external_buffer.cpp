#include "addon/external_buffer.h"

#include <cstdlib>

namespace preresnet {
namespace {

Napi::ArrayBuffer make_buffer(Napi::Env env, void* data, size_t bytes,
                              const std::shared_ptr<void>& keep) {
  if (std::getenv("PRERESNET_NO_EXTERNAL_BUFFERS") != nullptr) return {};
  auto holder = std::make_unique<std::shared_ptr<void>>(keep);
  napi_value value = nullptr;
  const napi_status status = napi_create_external_arraybuffer(
      env, data, bytes,
      [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<void>*>(hint); },
      holder.get(), &value);
  if (status != napi_ok) return {};
  holder.release();
  return {env, value};
}

}  // namespace

Napi::ArrayBuffer ExternalBuffers::over(Napi::Env env, void* data, size_t bytes,
                                        const std::shared_ptr<void>& keep) {
  const auto known = buffers_.find(data);
  if (known != buffers_.end()) return known->second.Value();
  const Napi::ArrayBuffer buffer = make_buffer(env, data, bytes, keep);
  if (!buffer.IsEmpty()) buffers_.emplace(data, Napi::Persistent(buffer));
  return buffer;
}

void ExternalBuffers::detach() {
  for (auto& [data, buffer] : buffers_) buffer.Value().Detach();
  buffers_.clear();
}

}  // namespace preresnet
