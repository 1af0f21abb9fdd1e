#include "core/mix.h"
#include "cuda/kernels/launch.h"
#include "cuda/kernels/mix.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {

namespace {

constexpr unsigned kMixThreads = 256;
constexpr float kShareUnit = 1.0f / static_cast<float>(kWholeShare);

template <class T>
__global__ void mix_images_kernel(MixParameters p) {
  const unsigned groups = static_cast<unsigned>(p.channels) / 8;
  const unsigned index = blockIdx.x * blockDim.x + threadIdx.x;
  const unsigned pixel = index / groups;
  const int w = static_cast<int>(pixel % p.width);
  const int h = static_cast<int>(pixel / p.width % p.height);
  const int n = static_cast<int>(pixel / p.width / p.height);
  if (n >= p.images) return;

  const int32_t* mix = p.mixes + n * 6;
  const T* x = static_cast<const T*>(p.x);
  float values[8];
  load8(x + static_cast<int64_t>(index) * 8, values);
  const int row = h - mix[2], column = w - mix[3];
  if (row >= 0 && row < mix[4] && column >= 0 && column < mix[5]) {
    const int64_t image = static_cast<int64_t>(p.height) * p.width * p.channels;
    const float share = static_cast<float>(mix[1]) * kShareUnit;
    float others[8];
    load8(x + static_cast<int64_t>(index) * 8 + (mix[0] - n) * image, others);
    for (int i = 0; i < 8; ++i) values[i] = share * values[i] + (1 - share) * others[i];
  }
  store8(static_cast<T*>(p.y) + static_cast<int64_t>(index) * 8, values);
}

__global__ void mix_targets_kernel(MixParameters p) {
  const unsigned index = blockIdx.x * blockDim.x + threadIdx.x;
  const int m = static_cast<int>(index / static_cast<unsigned>(p.classes));
  const int k = static_cast<int>(index % static_cast<unsigned>(p.classes));
  if (m >= p.samples) return;
  const int32_t* mix = p.mixes + m * 6;
  const float area = static_cast<float>(mix[4]) * static_cast<float>(mix[5]) /
                     (static_cast<float>(p.height) * static_cast<float>(p.width));
  const float others = (1 - static_cast<float>(mix[1]) * kShareUnit) * area;
  const float target =
      (k == p.labels[m] ? 1 - others : 0.0f) + (k == p.labels[mix[0]] ? others : 0.0f);
  p.targets[index] = (1 - p.smoothing) * target + p.smoothing / static_cast<float>(p.classes);
}

unsigned blocks(unsigned threads) { return (threads + kMixThreads - 1) / kMixThreads; }

}  // namespace

void mix_images(Runtime& runtime, Stream stream, Type type, const MixParameters& parameters) {
  const unsigned threads = static_cast<unsigned>(parameters.images) * parameters.height *
                           parameters.width * (static_cast<unsigned>(parameters.channels) / 8);
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "mix_images", {blocks(threads)}, {kMixThreads}, mix_images_kernel<T>,
           parameters);
  });
}

void mix_targets(Runtime& runtime, Stream stream, const MixParameters& parameters) {
  const unsigned threads =
      static_cast<unsigned>(parameters.samples) * static_cast<unsigned>(parameters.classes);
  launch(runtime, stream, "mix_targets", {blocks(threads)}, {kMixThreads}, mix_targets_kernel,
         parameters);
}

}  // namespace preresnet::cuda
