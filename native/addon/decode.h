// imageSize and decodeImage of lib/native/types.ts.
#pragma once
#include <napi.h>

namespace preresnet {

/// (file: Uint8Array, { maxPixels?, name? }) -> { height, width }
Napi::Value image_size_of(const Napi::CallbackInfo& info);
/// (file: Uint8Array, { channels, resize?, height?, width?, keepFitting?, maxPixels?, name?,
/// stored? }, begun?: (withdraw: () => void) => void) -> promise of { pixels, height, width,
/// channels, seconds }, on the threads of the DecodePool
Napi::Value decode_image_async(const Napi::CallbackInfo& info);

}  // namespace preresnet
