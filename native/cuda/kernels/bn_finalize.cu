// Sums to mean, invstd, scale and bias of each group and channel, and to the running statistics (of
// the first group; variance unbiased); or, without sums, from the running statistics. All f32, G C
// and C; scale and bias also rounded to the storage type. A thread a group and channel. In double,
// since q / n - mean^2 cancels; these are a few thousand numbers.
#include "cuda/kernels/bn_finalize.h"
#include "cuda/kernels/launch.h"
#include "cuda/kernels/vocabulary.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {
namespace {

constexpr unsigned kFinalizeThreads = 128;

struct Statistics {
  double mean, var;
};

__device__ Statistics of_sums(const BnFinalizeOperands& op, unsigned group, unsigned c) {
  const float* sums = op.sums + static_cast<size_t>(group) * 2 * op.padded + c;
  const double mean = sums[0] / op.count;
  const double var = sums[op.padded] / op.count - mean * mean;
  return {mean, var < 0 ? 0 : var};
}

__device__ void update_running(const BnFinalizeOperands& op, unsigned c, const Statistics& now) {
  const double kept = 1 - op.momentum;
  const double unbiased = now.var * op.count / (op.count - 1);
  op.running_mean[c] = static_cast<float>(kept * op.running_mean[c] + op.momentum * now.mean);
  op.running_var[c] = static_cast<float>(kept * op.running_var[c] + op.momentum * unbiased);
}

template <class T>
__global__ void finalize(BnFinalizeOperands op) {
  const unsigned c = blockIdx.x * blockDim.x + threadIdx.x;
  const unsigned group = blockIdx.y;
  if (c >= op.padded) return;
  double mean = 0, invstd = 0, scale = 0, bias = 0;
  if (c < op.channels) {
    Statistics statistics{};
    if (op.sums != nullptr) {
      statistics = of_sums(op, group, c);
      if (group == 0) update_running(op, c, statistics);
    } else {
      statistics = {op.running_mean[c], op.running_var[c]};
    }
    mean = statistics.mean;
    invstd = 1 / sqrt(statistics.var + op.epsilon);
    scale = op.weight[c] * invstd;
    bias = op.beta[c] - mean * scale;
  }
  const size_t at = static_cast<size_t>(group) * op.padded + c;
  op.mean[at] = static_cast<float>(mean);
  op.invstd[at] = static_cast<float>(invstd);
  op.scale[at] = static_cast<float>(scale);
  op.bias[at] = static_cast<float>(bias);
  if (op.scale_stored == nullptr) return;
  static_cast<T*>(op.scale_stored)[at] = from_float<T>(static_cast<float>(scale));
  static_cast<T*>(op.bias_stored)[at] = from_float<T>(static_cast<float>(bias));
}

}  // namespace

void bn_finalize(Runtime& runtime, Stream stream, Type type, const BnFinalizeOperands& op) {
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "bn_finalize",
           {(op.padded + kFinalizeThreads - 1) / kFinalizeThreads, op.groups}, {kFinalizeThreads},
           finalize<T>, op);
  });
}

}  // namespace preresnet::cuda
