// encodeJpeg of lib/native/types.ts.
#pragma once
#include <napi.h>

namespace preresnet {

/// ({ height, width, channels, quality, pixels: Uint8Array }) -> promise of a Uint8Array, on the
/// threads of the DecodePool
Napi::Value encode_jpeg_async(const Napi::CallbackInfo& info);

}  // namespace preresnet
