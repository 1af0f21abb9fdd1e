// Binary PNM with 8 bits a value, the plainest of image files: P5 (gray) and P6 (RGB).
#pragma once
#include "data/pixels.h"

namespace preresnet {

bool is_pnm(const uint8_t* file, size_t size);

/// A file that ends before its last pixel, or has another maximum than 255, throws. What follows
/// the last pixel is passed over.
void decode_pnm(const uint8_t* file, size_t size, const DecodeOptions&, const std::string& name,
                Pixels&);
/// As stored, by the header alone.
ImageSize pnm_size(const uint8_t* file, size_t size, const std::string& name,
                   int64_t maximum_pixels);

}  // namespace preresnet
