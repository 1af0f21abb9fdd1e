// A warp reads a row of logits: what softmax and softmax_cross_entropy share.
#pragma once
#include "cuda/kernels/block.h"

namespace preresnet::cuda {

/// log p of a class is (logit - largest) - log_sum: the largest is taken out first, so that nothing
/// overflows.
struct Normalizer {
  float largest, log_sum;
  __device__ __forceinline__ float log_probability(float logit) const {
    return (logit - largest) - log_sum;
  }
};

/// Of `classes` logits, by a whole warp. A NaN among them makes log_sum one.
__device__ __forceinline__ Normalizer normalizer_of(const float* logits, int classes, int lane) {
  float largest = -INFINITY;
  for (int k = lane; k < classes; k += 32) largest = fmaxf(largest, logits[k]);
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, lanes));
  }
  float sum = 0;
  for (int k = lane; k < classes; k += 32) sum += expf(logits[k] - largest);
  return {largest, logf(warp_sum(sum))};
}

}  // namespace preresnet::cuda
