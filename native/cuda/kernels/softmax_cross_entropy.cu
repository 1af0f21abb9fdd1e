// Loss, hits, predictions and the gradient at the logits.
#include "cuda/kernels/launch.h"
#include "cuda/kernels/loss.h"
#include "cuda/kernels/row.h"

namespace preresnet::cuda {

namespace {

using Parameters = SoftmaxCrossEntropyParameters;

/// The class of the largest logit, the smallest of equals; valid in lane 0.
__device__ __forceinline__ int prediction_of(const float* logits, int classes, int lane) {
  float best = lane < classes ? logits[lane] : -INFINITY;
  int position = lane;
  for (int k = lane + 32; k < classes; k += 32) {
    if (logits[k] > best) {
      best = logits[k];
      position = k;
    }
  }
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    const float other = __shfl_xor_sync(0xffffffffu, best, lanes);
    const int other_position = __shfl_xor_sync(0xffffffffu, position, lanes);
    // Lanes past the last class hold -inf at a position that is no class.
    if (other_position < classes &&
        (other > best || position >= classes || (other == best && other_position < position))) {
      best = other;
      position = other_position;
    }
  }
  return position;
}

__device__ __forceinline__ Outcome sample(const Parameters& p, int n, int lane, float divisor) {
  const int64_t first = static_cast<int64_t>(n) * p.classes;
  const float* logits = p.logits + first;
  const bool counts = p.labels[n] >= 0;
  const float scale = (p.scaler == nullptr ? 1.0f : p.scaler[0]) / divisor;
  const Normalizer normalizer = normalizer_of(logits, p.classes, lane);
  float mass = 1;  // of the weighted target
  if (p.weights != nullptr) {
    mass = 0;
    for (int k = lane; k < p.classes; k += 32) mass += p.weights[k] * target_of(p, n, k);
    mass = warp_sum(mass);
  }
  float loss = 0;
  for (int k = lane; k < p.classes; k += 32) {
    const float log_probability = normalizer.log_probability(logits[k]);
    const float probability = expf(log_probability);
    const float target = weight_of(p, k) * target_of(p, n, k);
    // A class of target 0 costs nothing, not even where its probability is 0.
    if (target != 0) loss -= target * log_probability;
    if (p.probabilities != nullptr) p.probabilities[first + k] = probability;
    if (p.dlogits != nullptr) {
      p.dlogits[first + k] = counts ? (probability * mass - target) * scale : 0.0f;
    }
  }
  if (p.predictions != nullptr) {
    const int prediction = prediction_of(logits, p.classes, lane);
    if (lane == 0) p.predictions[n] = prediction;
  }
  return outcome_of(p, n, lane, loss);
}

__global__ void softmax_cross_entropy_kernel(Parameters p) {
  each_sample(p, [&](int n, int lane, float divisor) { return sample(p, n, lane, divisor); });
}

}  // namespace

void softmax_cross_entropy(Runtime& runtime, Stream stream, const Parameters& parameters) {
  launch(runtime, stream, "softmax_cross_entropy", {loss_blocks(parameters.samples)},
         {kLossRows * 32}, softmax_cross_entropy_kernel, parameters);
}

size_t loss_workspace(int samples) { return loss_blocks(samples) * kLossPartials * sizeof(float); }

}  // namespace preresnet::cuda
