#pragma once
#include <cstdint>

#include "cuda/runtime.h"

namespace preresnet::cuda {

struct GatherImagesParameters {
  const uint8_t* set;      // of images
  const int32_t* indices;  // N, -1: zeros
  uint8_t* images;         // N, one behind the other
  int count;               // N
  int image_bytes;
};

/// A batch out of a set that lies on the device.
void gather_images(Runtime&, Stream, const GatherImagesParameters&);

}  // namespace preresnet::cuda
