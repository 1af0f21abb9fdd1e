#include "cuda/kernels/input.h"
#include "cuda/kernels/launch.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {

namespace {

constexpr unsigned kInputThreads = 256;

/// One thread for 8 channels of a pixel of x.
template <class T>
__global__ void input_kernel(InputParameters p) {
  const unsigned groups = (p.channels + 7) / 8;
  const unsigned index = blockIdx.x * blockDim.x + threadIdx.x;
  const unsigned pixel = index / groups;
  const int first = static_cast<int>(index % groups) * 8;
  const int w = static_cast<int>(pixel % p.width);
  const int h = static_cast<int>(pixel / p.width % p.height);
  const int n = static_cast<int>(pixel / p.width / p.height);
  if (n >= p.images_count) return;

  int top = (p.stored_height + 2 * p.pad - p.height) / 2;
  int left = (p.stored_width + 2 * p.pad - p.width) / 2;
  bool mirror = false;
  if (p.crops != nullptr) {
    top = p.crops[n * 3];
    left = p.crops[n * 3 + 1];
    mirror = p.crops[n * 3 + 2] != 0;
  }
  const int row = top + h - p.pad;
  const int column = left + (mirror ? p.width - 1 - w : w) - p.pad;
  float values[8] = {};
  if (row >= 0 && row < p.stored_height && column >= 0 && column < p.stored_width) {
    const uint8_t* from =
        p.images +
        ((static_cast<int64_t>(n) * p.stored_height + row) * p.stored_width + column) * p.channels;
    for (int i = 0; i < 8 && first + i < p.channels; ++i) {
      const int c = first + i;
      values[i] = (static_cast<float>(from[c]) / 255.0f - p.mean[c]) / p.std[c];
    }
  }
  store8(static_cast<T*>(p.x) + static_cast<int64_t>(index) * 8, values);
}

}  // namespace

void input(Runtime& runtime, Stream stream, Type type, const InputParameters& parameters) {
  const unsigned threads = static_cast<unsigned>(parameters.images_count) * parameters.height *
                           parameters.width * ((parameters.channels + 7) / 8);
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "input", {(threads + kInputThreads - 1) / kInputThreads},
           {kInputThreads}, input_kernel<T>, parameters);
  });
}

}  // namespace preresnet::cuda
