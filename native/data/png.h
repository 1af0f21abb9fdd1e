// PNG through libpng: gray, color, palette, any depth, interlaced or not. An alpha channel is
// dropped.
#pragma once
#include "data/pixels.h"

namespace preresnet {

bool is_png(const uint8_t* file, size_t size);

/// A file that ends before its last pixel, or whose pixels' checksums are wrong, throws. What
/// stands beside the pixels (texts, profiles, times) is passed over, and its faults with it.
void decode_png(const uint8_t* file, size_t size, const DecodeOptions&, const std::string& name,
                Pixels&);
/// As stored, by the header alone.
ImageSize png_size(const uint8_t* file, size_t size, const std::string& name,
                   int64_t maximum_pixels);

}  // namespace preresnet
