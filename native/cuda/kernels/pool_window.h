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

}  // namespace preresnet::cuda
