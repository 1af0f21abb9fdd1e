// Adam's step in one pass over all parameters; the last block adapts the loss scale.
#include "cuda/kernels/launch.h"
#include "cuda/kernels/moments.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {

namespace {

template <class T>
__global__ void adamw_kernel(MomentsParameters p) {
  if (updates(p)) {
    const float factor = gradient_factor(p);
    const Corrections corrections(p);
    each_piece(p, [&](const Piece& piece, int32_t) {
      const float rate = rate_of(p, piece);
      const float keep = 1 - rate * piece.decay;
      each_eight(piece, [&](int64_t at, int count) {
        MomentsEight eight;
        eight.load(p, at, count);
        eight.update<T>(p, at, count, factor);
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) {
          eight.weights[i] = keep * eight.weights[i] - rate * eight.direction(p, corrections, i);
        }
        store_weights<T>(p, at, count, eight.weights);
      });
    });
  }
  finish_update(p);
}

}  // namespace

void adamw(Runtime& runtime, Stream stream, Type type, const MomentsParameters& parameters) {
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "adamw", {piece_blocks(parameters.pieces.count)}, {kPieceThreads},
           adamw_kernel<T>, parameters);
  });
}

}  // namespace preresnet::cuda
