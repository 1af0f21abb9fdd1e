#pragma once
#include <cstdint>

#include "cuda/convolution.h"

namespace preresnet::cuda {

constexpr int kInputChannels = 64;  // at most: their means travel as a kernel's argument

struct InputParameters {
  const uint8_t* images;  // N Y X C
  const int32_t* crops;   // N 3, or null
  void* x;                // N H W ceil8(C)
  int images_count, stored_height, stored_width, channels, height, width, pad;
  float mean[kInputChannels], std[kInputChannels];
};

/// Crops, mirrors, normalizes and pads by index.
void input(Runtime&, Stream, Type, const InputParameters&);

}  // namespace preresnet::cuda
