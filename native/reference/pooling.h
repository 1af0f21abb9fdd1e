// The window of a maximum pooling: what bn_relu_max_pool and max_pool_backward share.
#pragma once
#include <cmath>
#include <cstdint>

#include "reference/values.h"

namespace preresnet::reference {

struct Maximum {
  double value = 0;
  int64_t index = -1;  // h W + w of the first maximum
};

/// Over the window of output (p, q) in channel c (H W) of image n. Positions outside the image do
/// not count; a NaN wins.
inline Maximum maximum(const double* image, int64_t H, int64_t W, const Transform& t, int64_t n,
                       int64_t images, int64_t c, int64_t top, int64_t left, int64_t kernel) {
  Maximum best;
  for (int64_t h = std::max<int64_t>(top, 0); h < std::min(top + kernel, H); ++h) {
    for (int64_t w = std::max<int64_t>(left, 0); w < std::min(left + kernel, W); ++w) {
      const double value = t(image[h * W + w], n, images, c);
      if (best.index < 0 || value > best.value || (std::isnan(value) && !std::isnan(best.value))) {
        best = {value, h * W + w};
      }
    }
  }
  return best;
}

}  // namespace preresnet::reference
