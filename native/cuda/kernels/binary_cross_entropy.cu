// Loss, hits and the gradient at the logits, where every class is a question of its own.
#include "cuda/kernels/launch.h"
#include "cuda/kernels/loss.h"

namespace preresnet::cuda {

namespace {

__device__ __forceinline__ Outcome sample(const BinaryCrossEntropyParameters& p, int n, int lane,
                                          float divisor) {
  const int64_t first = static_cast<int64_t>(n) * p.classes;
  const bool counts = p.labels[n] >= 0;
  const float classes = static_cast<float>(p.classes);
  const float scale = (p.scaler == nullptr ? 1.0f : p.scaler[0]) / (classes * divisor);
  float loss = 0;
  for (int k = lane; k < p.classes; k += 32) {
    const float x = p.logits[first + k];
    float target = target_of(p, n, k);
    if (p.threshold >= 0) target = target > p.threshold ? 1.0f : 0.0f;
    // log(1 + e^x), of which nothing overflows; fmaxf would hide a NaN.
    const float weight = weight_of(p, k);
    loss += weight * ((x < 0 ? 0.0f : x) + log1pf(expf(-fabsf(x))) - target * x);
    p.dlogits[first + k] = counts ? weight * (1 / (1 + expf(-x)) - target) * scale : 0.0f;
  }
  return outcome_of(p, n, lane, loss / classes);
}

__global__ void binary_cross_entropy_kernel(BinaryCrossEntropyParameters p) {
  each_sample(p, [&](int n, int lane, float divisor) { return sample(p, n, lane, divisor); });
}

}  // namespace

void binary_cross_entropy(Runtime& runtime, Stream stream,
                          const BinaryCrossEntropyParameters& parameters) {
  launch(runtime, stream, "binary_cross_entropy", {loss_blocks(parameters.samples)},
         {kLossRows * 32}, binary_cross_entropy_kernel, parameters);
}

}  // namespace preresnet::cuda
