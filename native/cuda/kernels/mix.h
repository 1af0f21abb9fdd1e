#pragma once
#include <cstdint>

#include "cuda/convolution.h"

namespace preresnet::cuda {

struct MixParameters {
  const void* x;                        // N H W ceil8(C)
  const int32_t* labels;                // M
  const int32_t* mixes;                 // M 6
  void* y;                              // as x
  float* targets;                       // M K
  int images, height, width, channels;  // of the stored tensor
  int samples, classes;                 // M, K
  float smoothing;
};

/// One thread for 8 channels of a pixel.
void mix_images(Runtime&, Stream, Type, const MixParameters&);
/// One thread for a target.
void mix_targets(Runtime&, Stream, const MixParameters&);

}  // namespace preresnet::cuda
