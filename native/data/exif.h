// The orientation that a camera writes into a JPEG or WebP file.
#pragma once
#include <cstddef>
#include <cstdint>

#include "data/pixels.h"

namespace preresnet {

/// 1 to 8 as EXIF counts them; 1, which is upright, where the file says nothing or is malformed.
int jpeg_orientation(const uint8_t* file, size_t size);
int webp_orientation(const uint8_t* file, size_t size);

/// Turns and mirrors stored pixels so that they are upright.
void turn_upright(Pixels& pixels, int orientation, Pixels& scratch);

}  // namespace preresnet
