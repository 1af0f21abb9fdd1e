// DecodeSettings of lib/native/types.ts.
#pragma once
#include "addon/arguments.h"
#include "data/pixels.h"

namespace preresnet {

constexpr int64_t kLargestSide = 1 << 16;  // of an image, in pixels

/// The size of the crop and the number of channels are left open.
DecodeOptions read_decode_settings(const Arguments& given);

}  // namespace preresnet
