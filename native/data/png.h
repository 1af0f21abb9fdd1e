// PNG through libspng: grey, colour, palette, any depth, interlaced or not. An alpha channel is
// dropped.
#pragma once
#include "data/pixels.h"

namespace preresnet {

bool is_png(const uint8_t* file, size_t size);

/// channels: 1 or 3. A file that ends early or whose checksums are wrong throws.
void decode_png(const uint8_t* file, size_t size, int64_t channels, const std::string& name,
                Pixels&);

}  // namespace preresnet
