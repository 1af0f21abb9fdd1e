// The optimizer's step in one pass over all parameters; the last block adapts the loss scale.
#include "cuda/kernels/block.h"
#include "cuda/kernels/eight_elements.h"
#include "cuda/kernels/launch.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {

namespace {

enum Scaler { kScale, kInverse, kGoodSteps, kOverflow, kSkipped, kSquares };

/// What gradients are multiplied with: without loss scale, and clipped.
__device__ __forceinline__ float gradient_factor(const SgdParameters& p) {
  float factor = p.scaler == nullptr ? 1.0f : 1 / p.scaler[kScale];
  if (p.squares != nullptr) {
    const float norm = sqrtf(*p.squares);
    if (norm > p.clip_norm) factor *= p.clip_norm / norm;
  }
  return factor;
}

/// Up to eight elements.
template <class T>
__device__ __forceinline__ void update(const SgdParameters& p, int64_t first, int count,
                                       float factor, float decay, float rate) {
  float gradients[8], weights[8], velocity[8];
  load_gradients<T>(p.gradients, first, count, gradients);
  load_some(p.weights + first, count, weights);
  load_some(p.velocity + first, count, velocity);
  PRERESNET_UNROLL
  for (int i = 0; i < 8; ++i) {
    const float gradient = factor * gradients[i] + decay * weights[i];
    velocity[i] = p.momentum * velocity[i] + gradient;
    weights[i] -= rate * (p.nesterov ? gradient + p.momentum * velocity[i] : velocity[i]);
  }
  store_some(p.velocity + first, count, velocity);
  store_some(p.weights + first, count, weights);
  if (p.copies != nullptr && first < p.copied) {
    const int64_t rest = p.copied - first;
    store_some(static_cast<T*>(p.copies) + first, rest < count ? static_cast<int>(rest) : count,
               weights);
  }
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

template <class T>
__global__ void sgd_kernel(SgdParameters p) {
  if (p.scaler == nullptr || p.scaler[kOverflow] == 0) {
    const float factor = gradient_factor(p);
    for (int32_t index = static_cast<int32_t>(blockIdx.x); index < p.pieces.count;
         index += static_cast<int32_t>(gridDim.x)) {
      const Piece piece = p.pieces.data[index];
      const auto rate = static_cast<float>(piece.rate * *p.learning_rate);
      for (int i = static_cast<int>(threadIdx.x) * 8; i < piece.length; i += kPieceThreads * 8) {
        update<T>(p, piece.first + i, piece.length - i < 8 ? piece.length - i : 8, factor,
                  piece.decay, rate);
      }
    }
  }
  if (p.scaler == nullptr) return;
  // Not before every block has read the scaler.
  if (last_block(p.counter) && threadIdx.x == 0) adapt(p.scaler, p.growth_interval);
}

}  // namespace

void sgd(Runtime& runtime, Stream stream, Type type, const SgdParameters& parameters) {
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "sgd", {piece_blocks(parameters.pieces.count)}, {kPieceThreads},
           sgd_kernel<T>, parameters);
  });
}

}  // namespace preresnet::cuda
