// WebP through libwebp: lossy and lossless still images. An alpha channel is dropped.
#pragma once
#include "data/pixels.h"

namespace preresnet {

bool is_webp(const uint8_t* file, size_t size);

/// To RGB, or to gray made of it. A file that ends before its last pixel, and one of several
/// pictures (an animation), throw.
void decode_webp(const uint8_t* file, size_t size, const DecodeOptions&, const std::string& name,
                 Pixels&);
/// As stored, by the header alone.
ImageSize webp_size(const uint8_t* file, size_t size, const std::string& name,
                    int64_t maximum_pixels);

}  // namespace preresnet
