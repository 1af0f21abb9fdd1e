#include "cuda/kernels/block.h"
#include "cuda/kernels/eight_elements.h"
#include "cuda/kernels/launch.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {

namespace {

template <class T>
__global__ void gradient_norm_kernel(GradientNormParameters p) {
  const float inverse = p.scale == nullptr ? 1.0f : 1 / *p.scale;
  float squares = 0, overflow = 0;
  for (int32_t piece = static_cast<int32_t>(blockIdx.x); piece < p.pieces.count;
       piece += static_cast<int32_t>(gridDim.x)) {
    const int64_t first = p.pieces.data[piece].first;
    const int length = p.pieces.data[piece].length;
    for (int i = static_cast<int>(threadIdx.x) * 8; i < length; i += kPieceThreads * 8) {
      float gradients[8];
      load_gradients<T>(p.gradients, first + i, length - i < 8 ? length - i : 8, gradients);
      for (float gradient : gradients) {
        if (!(fabsf(gradient) <= 3.402823466e38f)) overflow = 1;
        squares += (gradient * inverse) * (gradient * inverse);
      }
    }
  }
  squares = block_sum(squares);
  overflow = block_sum(overflow);
  if (threadIdx.x == 0) {
    p.partial[blockIdx.x * 2] = squares;
    p.partial[blockIdx.x * 2 + 1] = overflow;
  }
  if (!last_block(p.counter)) return;
  squares = overflow = 0;
  for (unsigned i = threadIdx.x; i < gridDim.x; i += blockDim.x) {
    squares += p.partial[i * 2];
    overflow += p.partial[i * 2 + 1];
  }
  squares = block_sum(squares);
  overflow = block_sum(overflow);
  if (threadIdx.x != 0) return;
  *p.squares = squares;
  *p.overflow = overflow > 0 ? 1.0f : 0.0f;
}

}  // namespace

void gradient_norm(Runtime& runtime, Stream stream, Type type,
                   const GradientNormParameters& parameters) {
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "gradient_norm", {piece_blocks(parameters.pieces.count)},
           {kPieceThreads}, gradient_norm_kernel<T>, parameters);
  });
}

size_t gradient_norm_workspace(int32_t pieces) { return piece_blocks(pieces) * 2 * sizeof(float); }

}  // namespace preresnet::cuda
