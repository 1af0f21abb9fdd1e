#include "addon/external_buffer.h"

#include <cstdlib>
#include <utility>

namespace preresnet {

Napi::ArrayBuffer external_buffer(Napi::Env env, void* data, size_t bytes,
                                  std::shared_ptr<void> keep) {
  if (std::getenv("PRERESNET_NO_EXTERNAL_BUFFERS") != nullptr) return {};
  auto holder = std::make_unique<std::shared_ptr<void>>(std::move(keep));
  napi_value value = nullptr;
  const napi_status status = napi_create_external_arraybuffer(
      env, data, bytes,
      [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<void>*>(hint); },
      holder.get(), &value);
  if (status != napi_ok) return {};
  holder.release();
  return {env, value};
}

}  // namespace preresnet
