// imageSize and decodeImage of lib/native/types.ts.
#pragma once
#include <napi.h>

namespace preresnet {

/// (file: Uint8Array, { channels, resize?, height?, width?, keepFitting?, maxPixels? }) -> promise
/// of { pixels, height, width, channels } (file: Uint8Array, { maxPixels? }) -> { height, width }
Napi::Value image_size_of(const Napi::CallbackInfo& info);
Napi::Value decode_image_async(const Napi::CallbackInfo& info);

}  // namespace preresnet
