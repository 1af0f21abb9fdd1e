// What both directions of a pooling share: its windows and the order of its values.
#pragma once
#include "cuda/kernels/pool.h"
#include "cuda/kernels/transform.h"

namespace preresnet::cuda {

/// Whether a maximum so far gives way to a later value: the first of equals stays, a NaN wins.
__device__ __forceinline__ bool replaces(float later, float best) {
  return later > best || (later != later && best == best);
}

/// The part of a window that lies inside the image; the rest does not count.
struct PoolWindow {
  int top, bottom, left, right;  // ends are not part of it
  __device__ __forceinline__ PoolWindow(const PoolSizes& sizes, int p, int q) {
    top = p * sizes.stride - sizes.padding;
    left = q * sizes.stride - sizes.padding;
    bottom = top + sizes.kernel < sizes.height ? top + sizes.kernel : sizes.height;
    right = left + sizes.kernel < sizes.width ? left + sizes.kernel : sizes.width;
    top = top < 0 ? 0 : top;
    left = left < 0 ? 0 : left;
  }
};

/// A pixel of y: rows count over images, lines and columns.
struct PoolPosition {
  size_t image;
  int p, q;
  __device__ __forceinline__ PoolPosition(const PoolSizes& sizes, unsigned row)
      : image(row / sizes.out_width / sizes.out_height),
        p(static_cast<int>(row / sizes.out_width % sizes.out_height)),
        q(static_cast<int>(row % sizes.out_width)) {}
};

/// The first maxima of t(x) over the window at a position, eight channels. Whenever channel i finds
/// a larger value, taken(i, h, w) is told where.
template <class T, class Taken>
__device__ __forceinline__ void first_maxima(const Transform& t, const void* x,
                                             const PoolSizes& sizes, const PoolPosition& at,
                                             unsigned channels, unsigned channel, float (&best)[8],
                                             const Taken& taken) {
  const T* image =
      static_cast<const T*>(x) + at.image * sizes.height * sizes.width * channels + channel;
  const PoolWindow window(sizes, at.p, at.q);
  bool first = true;
  for (int h = window.top; h < window.bottom; ++h) {
    for (int w = window.left; w < window.right; ++w) {
      float values[8];
      load8(image + (static_cast<size_t>(h) * sizes.width + w) * channels, values);
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) {
        const float value = t(i, values[i]);
        if (!first && !replaces(value, best[i])) continue;
        best[i] = value;
        taken(i, h, w);
      }
      first = false;
    }
  }
}

}  // namespace preresnet::cuda
