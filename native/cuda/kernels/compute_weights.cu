#include "cuda/kernels/eight_elements.h"
#include "cuda/kernels/launch.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {

namespace {

template <class T>
__global__ void compute_weights_kernel(const float* weights, T* copies, int64_t count) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x * 8;
  for (int64_t i = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * 8; i < count;
       i += stride) {
    const int some = count - i < 8 ? static_cast<int>(count - i) : 8;
    float values[8];
    load_some(weights + i, some, values);
    store_some(copies + i, some, values);
  }
}

}  // namespace

void compute_weights(Runtime& runtime, Stream stream, Type type, const float* weights, void* copies,
                     int64_t count) {
  const auto pieces = static_cast<int32_t>((count + kPieceThreads * 8 - 1) / (kPieceThreads * 8));
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "compute_weights", {piece_blocks(pieces)}, {kPieceThreads},
           compute_weights_kernel<T>, weights, static_cast<T*>(copies), count);
  });
}

}  // namespace preresnet::cuda
