// t(x) = [ReLU](scale x + bias): how operations read a feature map through a norm.
#pragma once
#include "cuda/kernels/channel_pass.h"

namespace preresnet::cuda {

/// Of eight channels.
struct Transform {
  float scale[8], bias[8];
  bool relu;

  /// Before the ReLU: where it is positive a gradient passes.
  __device__ __forceinline__ float inner(int i, float x) const { return scale[i] * x + bias[i]; }
  __device__ __forceinline__ float operator()(int i, float x) const {
    const float value = inner(i, x);
    return relu ? preresnet::cuda::relu(value) : value;
  }
};

/// Without scale and bias: x itself. `op` names both.
template <class Operands>
__device__ __forceinline__ Transform load_transform(const Operands& op, unsigned group,
                                                    unsigned channel, bool relu) {
  Transform t;
  load_vector(op.scale, group, channel, 1, t.scale);
  load_vector(op.bias, group, channel, 0, t.bias);
  t.relu = relu;
  return t;
}

}  // namespace preresnet::cuda
