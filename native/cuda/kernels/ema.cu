#include "cuda/kernels/eight_elements.h"
#include "cuda/kernels/ema.h"
#include "cuda/kernels/launch.h"
#include "cuda/kernels/update.h"

namespace preresnet::cuda {

namespace {

__global__ void ema_kernel(EmaParameters p) {
  if (p.scaler != nullptr && p.scaler[kOverflow] != 0) return;
  const uint64_t skipped = p.scaler == nullptr ? 0 : static_cast<uint64_t>(p.scaler[kSkipped]);
  const uint64_t step = *p.step - skipped;
  const bool copies = step <= p.after;
  if (!copies && step % p.every != 0) return;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x * 8;
  for (int64_t i = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * 8; i < p.count;
       i += stride) {
    const int some = p.count - i < 8 ? static_cast<int>(p.count - i) : 8;
    float values[8], averages[8];
    load_some(p.values + i, some, values);
    load_some(p.averages + i, some, averages);
    PRERESNET_UNROLL
    for (int k = 0; k < 8; ++k) {
      averages[k] = copies ? values[k] : averages[k] + p.share * (values[k] - averages[k]);
    }
    store_some(p.averages + i, some, averages);
  }
}

}  // namespace

void ema(Runtime& runtime, Stream stream, const EmaParameters& parameters) {
  const auto pieces =
      static_cast<int32_t>((parameters.count + kPieceThreads * 8 - 1) / (kPieceThreads * 8));
  launch(runtime, stream, "ema", {piece_blocks(pieces)}, {kPieceThreads}, ema_kernel, parameters);
}

}  // namespace preresnet::cuda
