#pragma once
#include <cstdint>

#include "cuda/convolution.h"

namespace preresnet::cuda {

/// y (images x channels, plain) = mean over the pixels of t(x), x NHWC with padded channels.
struct HeadParameters {
  const void* x;
  const float* scale;  // groups x padded channels; null: 1
  const float* bias;   // null: 0
  float* y;
  int images, pixels, channels, groups;
  bool relu;
};
void head(Runtime&, Stream, Type, const HeadParameters&);

}  // namespace preresnet::cuda
