// Two passes over all parameters: moments and, for each piece, squares of the weights and of the
// direction; then the weights. The last block of the second one adapts the loss scale.
#include "cuda/kernels/launch.h"
#include "cuda/kernels/moments.h"
#include "cuda/kernels/segment_sums.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {

namespace {

template <class T>
__global__ void lamb_moments_kernel(LambParameters p) {
  if (!updates(p)) return;
  const float factor = gradient_factor(p);
  const Corrections corrections(p);
  each_piece(p, [&](const Piece& piece, int32_t index) {
    float of_weights = 0, of_directions = 0;
    each_eight(piece, [&](int64_t at, int count) {
      MomentsEight eight;
      eight.load(p, at, count);
      eight.update<T>(p, at, count, factor);
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) {
        const float direction = eight.direction(p, corrections, i) + piece.decay * eight.weights[i];
        of_weights += eight.weights[i] * eight.weights[i];
        of_directions += direction * direction;
      }
    });
    store_sums(p.by_segment, index, of_weights, of_directions);
  });
}

/// |w| / |d| of the segment that a piece belongs to.
__device__ __forceinline__ float ratio_of(const LambParameters& p, int32_t index, float decay) {
  const auto [of_weights, of_directions] = segment_sums(p.by_segment, index);
  if (decay <= 0 || of_weights <= 0 || of_directions <= 0) return 1.0f;
  return sqrtf(of_weights) / sqrtf(of_directions);
}

template <class T>
__global__ void lamb_kernel(LambParameters p) {
  if (updates(p)) {
    const Corrections corrections(p);
    each_piece(p, [&](const Piece& piece, int32_t index) {
      const float rate = rate_of(p, piece) * ratio_of(p, index, piece.decay);
      each_eight(piece, [&](int64_t at, int count) {
        MomentsEight eight;
        eight.load(p, at, count);
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) {
          const float direction =
              eight.direction(p, corrections, i) + piece.decay * eight.weights[i];
          eight.weights[i] -= rate * direction;
        }
        store_weights<T>(p, at, count, eight.weights);
      });
    });
  }
  finish_update(p);
}

}  // namespace

void lamb_moments(Runtime& runtime, Stream stream, Type type, const LambParameters& parameters) {
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "lamb_moments", {piece_blocks(parameters.pieces.count)},
           {kPieceThreads}, lamb_moments_kernel<T>, parameters);
  });
}

void lamb(Runtime& runtime, Stream stream, Type type, const LambParameters& parameters) {
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "lamb", {piece_blocks(parameters.pieces.count)}, {kPieceThreads},
           lamb_kernel<T>, parameters);
  });
}

}  // namespace preresnet::cuda
