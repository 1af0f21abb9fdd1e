// Two passes over all parameters: for each piece squares of the weights and of the gradients; then
// velocity and weights. The last block of the second one adapts the loss scale.
#include "cuda/kernels/launch.h"
#include "cuda/kernels/segment_sums.h"
#include "cuda/kernels/update.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {

namespace {

template <class T>
__global__ void lars_norms_kernel(LarsParameters p) {
  if (!updates(p)) return;
  const float factor = gradient_factor(p);
  each_piece(p, [&](const Piece& piece, int32_t index) {
    float of_weights = 0, of_gradients = 0;
    each_eight(piece, [&](int64_t at, int count) {
      float gradients[8], weights[8];
      load_gradients<T>(p.gradients, at, count, gradients);
      load_some(p.weights + at, count, weights);
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) {
        of_weights += weights[i] * weights[i];
        of_gradients += (factor * gradients[i]) * (factor * gradients[i]);
      }
    });
    store_sums(p.by_segment, index, of_weights, of_gradients);
  });
}

__device__ __forceinline__ float ratio_of(const LarsParameters& p, int32_t index, float decay) {
  const TwoSums sums = segment_sums(p.by_segment, index);
  const float coefficient = p.coefficients[index];
  const float norm = sqrtf(sums.first);
  const float divisor = sqrtf(sums.second) + decay * norm;
  return coefficient > 0 && norm > 0 && divisor > 0 ? coefficient * norm / divisor : 1.0f;
}

template <class T>
__global__ void lars_kernel(LarsParameters p) {
  if (updates(p)) {
    const float factor = gradient_factor(p);
    each_piece(p, [&](const Piece& piece, int32_t index) {
      const float rate = rate_of(p, piece) * ratio_of(p, index, piece.decay);
      each_eight(piece, [&](int64_t at, int count) {
        float gradients[8], weights[8], velocity[8];
        load_gradients<T>(p.gradients, at, count, gradients);
        load_some(p.weights + at, count, weights);
        load_some(p.velocity + at, count, velocity);
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) {
          const float direction = factor * gradients[i] + piece.decay * weights[i];
          velocity[i] = p.momentum * velocity[i] + rate * direction;
          weights[i] -= velocity[i];
        }
        store_some(p.velocity + at, count, velocity);
        store_weights<T>(p, at, count, weights);
      });
    });
  }
  finish_update(p);
}

}  // namespace

void lars_norms(Runtime& runtime, Stream stream, Type type, const LarsParameters& parameters) {
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "lars_norms", {piece_blocks(parameters.pieces.count)}, {kPieceThreads},
           lars_norms_kernel<T>, parameters);
  });
}

void lars(Runtime& runtime, Stream stream, Type type, const LarsParameters& parameters) {
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "lars", {piece_blocks(parameters.pieces.count)}, {kPieceThreads},
           lars_kernel<T>, parameters);
  });
}

}  // namespace preresnet::cuda
