#include "cuda/kernels/launch.h"
#include "cuda/kernels/row.h"
#include "cuda/kernels/softmax.h"

namespace preresnet::cuda {

namespace {

constexpr unsigned kSoftmaxRows = 4;  // a block's, one a warp

__global__ void softmax_kernel(const float* logits, float* probabilities, int rows, int classes) {
  const int row = static_cast<int>(blockIdx.x * kSoftmaxRows + threadIdx.x / 32);
  const int lane = static_cast<int>(threadIdx.x % 32);
  if (row >= rows) return;
  const float* from = logits + static_cast<int64_t>(row) * classes;
  float* to = probabilities + static_cast<int64_t>(row) * classes;
  const Normalizer normalizer = normalizer_of(from, classes, lane);
  for (int k = lane; k < classes; k += 32) to[k] = expf(normalizer.log_probability(from[k]));
}

}  // namespace

void softmax(Runtime& runtime, Stream stream, const float* logits, float* probabilities, int rows,
             int classes) {
  launch(runtime, stream, "softmax",
         {(static_cast<unsigned>(rows) + kSoftmaxRows - 1) / kSoftmaxRows}, {kSoftmaxRows * 32},
         softmax_kernel, logits, probabilities, rows, classes);
}

}  // namespace preresnet::cuda
