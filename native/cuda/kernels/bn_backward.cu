// From s = sum of d and q = sum of d * x of each group: dbeta = s, dweight = invstd (q - mean s),
// summed over groups; a = weight invstd, b = -a invstd dweight_g / n, c = -a s / n - b mean, so
// that dx = a d + b x + c. All f32, G C and C. A thread a channel, all groups in order. In double,
// since q - mean s cancels; these are a few thousand numbers.
#include "cuda/kernels/bn_backward.h"
#include "cuda/kernels/launch.h"
#include "cuda/kernels/vocabulary.h"

namespace preresnet::cuda {
namespace {

constexpr unsigned kBackwardThreads = 128;

__global__ void backward(BnBackwardOperands op) {
  const unsigned c = blockIdx.x * blockDim.x + threadIdx.x;
  if (c >= op.padded) return;
  const bool real = c < op.channels;
  double dweight = 0, dbeta = 0;
  for (unsigned group = 0; group < op.groups; ++group) {
    const size_t at = static_cast<size_t>(group) * op.padded + c;
    double a = 0, b = 0, constant = 0;
    if (real) {
      const double sum = op.sums[static_cast<size_t>(group) * 2 * op.padded + c];
      const double products = op.sums[(static_cast<size_t>(group) * 2 + 1) * op.padded + c];
      const double mean = op.mean[at];
      const double invstd = op.invstd[at];
      const double dweight_g = invstd * (products - mean * sum);
      dweight += dweight_g;
      dbeta += sum;
      a = op.weight[c] * invstd;
      if (!op.frozen) {
        b = -a * invstd * dweight_g / op.count;
        constant = -a * sum / op.count - b * mean;
      }
    }
    op.a[at] = static_cast<float>(a);
    op.b[at] = static_cast<float>(b);
    op.c[at] = static_cast<float>(constant);
  }
  if (op.dweight != nullptr) op.dweight[c] = static_cast<float>(dweight);
  if (op.dbeta != nullptr) op.dbeta[c] = static_cast<float>(dbeta);
}

}  // namespace

void bn_backward(Runtime& runtime, Stream stream, const BnBackwardOperands& op) {
  launch(runtime, stream, "bn_backward", {(op.padded + kBackwardThreads - 1) / kBackwardThreads},
         {kBackwardThreads}, backward, op);
}

}  // namespace preresnet::cuda
