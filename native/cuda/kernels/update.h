// What kernels of optimizers share: the factor of gradients, copies of weights, the loss scale.
#pragma once
#include "cuda/kernels/block.h"
#include "cuda/kernels/eight_elements.h"

namespace preresnet::cuda {

enum Scaler { kScale, kInverse, kGoodSteps, kOverflow, kSkipped, kSquares };

/// Whether gradients are finite; otherwise this step changes no parameter.
__device__ __forceinline__ bool updates(const UpdateParameters& p) {
  return p.scaler == nullptr || p.scaler[kOverflow] == 0;
}

/// What gradients are multiplied with: without loss scale, and clipped.
__device__ __forceinline__ float gradient_factor(const UpdateParameters& p) {
  float factor = p.scaler == nullptr ? 1.0f : 1 / p.scaler[kScale];
  if (p.squares != nullptr) {
    const float norm = sqrtf(*p.squares);
    if (norm > p.clip_norm) factor *= p.clip_norm / norm;
  }
  return factor;
}

template <class T>
__device__ __forceinline__ void store_weights(const UpdateParameters& p, int64_t first, int count,
                                              float (&weights)[8]) {
  store_some(p.weights + first, count, weights);
  if (p.copies != nullptr && first < p.copied) {
    const int64_t rest = p.copied - first;
    store_some(static_cast<T*>(p.copies) + first, rest < count ? static_cast<int>(rest) : count,
               weights);
  }
}

/// Calls body(piece, index) for the pieces of this block.
template <class Body>
__device__ __forceinline__ void each_piece(const UpdateParameters& p, Body&& body) {
  for (int32_t index = static_cast<int32_t>(blockIdx.x); index < p.pieces.count;
       index += static_cast<int32_t>(gridDim.x)) {
    body(p.pieces.data[index], index);
  }
}

/// Calls body(first, count) for the up to eight elements at a time that are this thread's.
template <class Body>
__device__ __forceinline__ void each_eight(const Piece& piece, Body&& body) {
  for (int i = static_cast<int>(threadIdx.x) * 8; i < piece.length; i += kPieceThreads * 8) {
    body(piece.first + i, piece.length - i < 8 ? piece.length - i : 8);
  }
}

__device__ __forceinline__ float rate_of(const UpdateParameters& p, const Piece& piece) {
  return static_cast<float>(piece.rate * *p.learning_rate);
}

__device__ __forceinline__ void adapt(float* scaler, int growth_interval) {
  constexpr float kLeast = 5.421010862427522e-20f;  // 2^-64
  constexpr float kMost = 1.8446744073709552e19f;   // 2^64
  const bool overflow = scaler[kOverflow] != 0;
  scaler[kGoodSteps] = overflow ? 0.0f : scaler[kGoodSteps] + 1;
  if (overflow) scaler[kSkipped] += 1;
  if (growth_interval == 0) return;
  if (overflow) {
    scaler[kScale] = fmaxf(scaler[kScale] / 2, kLeast);
  } else if (scaler[kGoodSteps] >= static_cast<float>(growth_interval)) {
    scaler[kScale] = fminf(scaler[kScale] * 2, kMost);
    scaler[kGoodSteps] = 0;
  }
  scaler[kInverse] = 1 / scaler[kScale];
}

/// The last block adapts the loss scale: not before every block has read the scaler.
__device__ __forceinline__ void finish_update(const UpdateParameters& p) {
  if (p.scaler == nullptr) return;
  if (last_block(p.counter) && threadIdx.x == 0) adapt(p.scaler, p.growth_interval);
}

}  // namespace preresnet::cuda
