#include "cuda/kernels/global_average_pool.h"
#include "cuda/kernels/transform.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {

namespace {

constexpr unsigned kLanes = 8;      // threads side by side, eight channels each
constexpr unsigned kPoolRows = 16;  // pixels at a time
constexpr unsigned kPoolThreads = kLanes * kPoolRows;

/// A block for kLanes * 8 channels of an image.
template <class T>
__global__ void bn_relu_global_average_pool_kernel(BnReluGlobalAveragePoolParameters p) {
  PRERESNET_SHARED(float, parts, [kPoolRows][kLanes * 8]);
  const unsigned lane = threadIdx.x % kLanes, row = threadIdx.x / kLanes;
  const int padded = (p.channels + 7) / 8 * 8;
  const int channel = static_cast<int>((blockIdx.x * kLanes + lane) * 8);
  const int image = static_cast<int>(blockIdx.y);
  float sums[8] = {};
  if (channel < padded) {
    const int group = image / (p.images / p.groups);
    const Transform t =
        load_transform(p, static_cast<unsigned>(group), static_cast<unsigned>(channel), p.relu);
    const T* x = static_cast<const T*>(p.x) + static_cast<int64_t>(image) * p.pixels * padded;
    for (int pixel = static_cast<int>(row); pixel < p.pixels; pixel += kPoolRows) {
      float values[8];
      load8(x + static_cast<int64_t>(pixel) * padded + channel, values);
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) sums[i] += t(i, values[i]);
    }
  }
  for (unsigned i = 0; i < 8; ++i) parts[row][lane * 8 + i] = sums[i];
  __syncthreads();
  if (threadIdx.x >= kLanes * 8) return;
  const int own = static_cast<int>(blockIdx.x * kLanes * 8 + threadIdx.x);
  if (own >= p.channels) return;
  float sum = 0;
  for (unsigned i = 0; i < kPoolRows; ++i) sum += parts[i][threadIdx.x];
  p.y[static_cast<int64_t>(image) * p.channels + own] = sum / static_cast<float>(p.pixels);
}

}  // namespace

void bn_relu_global_average_pool(Runtime& runtime, Stream stream, Type type,
                                 const BnReluGlobalAveragePoolParameters& parameters) {
  const unsigned blocks =
      (static_cast<unsigned>(parameters.channels) + kLanes * 8 - 1) / (kLanes * 8);
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "bn_relu_global_average_pool",
           {blocks, static_cast<unsigned>(parameters.images)}, {kPoolThreads},
           bn_relu_global_average_pool_kernel<T>, parameters);
  });
}

}  // namespace preresnet::cuda
