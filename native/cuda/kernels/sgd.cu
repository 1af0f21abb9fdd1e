// The optimizer's step in one pass over all parameters; the last block adapts the loss scale.
#include "cuda/kernels/launch.h"
#include "cuda/kernels/update.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {

namespace {

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
  store_weights<T>(p, first, count, weights);
}

template <class T>
__global__ void sgd_kernel(SgdParameters p) {
  if (updates(p)) {
    const float factor = gradient_factor(p);
    each_piece(p, [&](const Piece& piece, int32_t) {
      const float rate = rate_of(p, piece);
      each_eight(piece, [&](int64_t first, int count) {
        update<T>(p, first, count, factor, piece.decay, rate);
      });
    });
  }
  finish_update(p);
}

}  // namespace

void sgd(Runtime& runtime, Stream stream, Type type, const SgdParameters& parameters) {
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "sgd", {piece_blocks(parameters.pieces.count)}, {kPieceThreads},
           sgd_kernel<T>, parameters);
  });
}

}  // namespace preresnet::cuda
