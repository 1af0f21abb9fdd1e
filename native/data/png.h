// PNG through libspng: gray, color, palette, any depth, interlaced or not. An alpha channel is
// dropped.
#pragma once
#include "data/pixels.h"

namespace preresnet {

bool is_png(const uint8_t* file, size_t size);

/// A file that ends early or whose checksums are wrong throws.
void decode_png(const uint8_t* file, size_t size, const DecodeOptions&, const std::string& name,
                Pixels&);
/// As stored, by the header alone.
ImageSize png_size(const uint8_t* file, size_t size, const std::string& name);

}  // namespace preresnet
