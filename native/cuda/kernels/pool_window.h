// What both directions of a pooling share: t(x) and the order of its values.
#pragma once
#include "cuda/kernels/channel_pass.h"
#include "cuda/kernels/pool.h"

namespace preresnet::cuda {

/// Of eight channels.
struct PoolTransform {
  float scale[8], bias[8];
  bool relu;

  /// Before the ReLU.
  __device__ __forceinline__ float inner(int i, float x) const { return scale[i] * x + bias[i]; }
  __device__ __forceinline__ float operator()(int i, float x) const {
    const float value = inner(i, x);
    return relu ? preresnet::cuda::relu(value) : value;
  }
};

template <class Operands>
__device__ __forceinline__ PoolTransform load_transform(const Operands& op, unsigned group,
                                                        unsigned channel) {
  PoolTransform t;
  load_vector(op.scale, group, channel, 1, t.scale);
  load_vector(op.bias, group, channel, 0, t.bias);
  t.relu = op.relu;
  return t;
}

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
