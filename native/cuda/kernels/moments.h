// Moving averages of gradients and of their squares: what kernels of adamw and lamb share.
#pragma once
#include "cuda/kernels/update.h"

namespace preresnet::cuda {

/// Inverses of 1 - beta^t, t being the steps that were not skipped, this one among them.
struct Corrections {
  float first, second;

  __device__ __forceinline__ explicit Corrections(const MomentsParameters& p) {
    const float skipped = p.scaler == nullptr ? 0.0f : p.scaler[kSkipped];
    const float count = static_cast<float>(*p.step + 1) - skipped;
    // With little more than its own rounding, where 1 - beta^t would cancel.
    first = p.beta1 == 0 ? 1.0f : -1 / expm1f(count * p.log1);
    second = p.beta2 == 0 ? 1.0f : -1 / expm1f(count * p.log2);
  }
};

/// Up to eight elements of each row.
struct MomentsEight {
  float weights[8], first[8], second[8];

  __device__ __forceinline__ void load(const MomentsParameters& p, int64_t at, int count) {
    load_some(p.weights + at, count, weights);
    load_some(p.first_moment + at, count, first);
    load_some(p.second_moment + at, count, second);
  }
  template <class T>
  __device__ __forceinline__ void update(const MomentsParameters& p, int64_t at, int count,
                                         float factor) {
    float gradients[8];
    load_gradients<T>(p.gradients, at, count, gradients);
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) {
      const float gradient = factor * gradients[i];
      first[i] = p.beta1 * first[i] + p.rest1 * gradient;
      second[i] = p.beta2 * second[i] + p.rest2 * (gradient * gradient);
    }
    store_some(p.first_moment + at, count, first);
    store_some(p.second_moment + at, count, second);
  }
  __device__ __forceinline__ float direction(const MomentsParameters& p,
                                             const Corrections& corrections, int i) const {
    return first[i] * corrections.first / (sqrtf(second[i] * corrections.second) + p.epsilon);
  }
};

}  // namespace preresnet::cuda
