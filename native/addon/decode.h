// decodeImage of lib/runtime/binding.ts.
#pragma once
#include <napi.h>

namespace preresnet {

/// (file: Uint8Array, { channels, resize?, height?, width? }) -> promise of { pixels, height,
/// width, channels }
Napi::Value decode_image_async(const Napi::CallbackInfo& info);

}  // namespace preresnet
