// Loss, hits, predictions and the gradient at the logits: a warp a sample, metrics in two phases.
#include "cuda/kernels/launch.h"
#include "cuda/kernels/row.h"
#include "cuda/kernels/softmax.h"

namespace preresnet::cuda {

namespace {

using Parameters = SoftmaxCrossEntropyParameters;

constexpr unsigned kLossRows = 4;  // a block's, one a warp
constexpr unsigned kPartials = 3;

unsigned blocks_of(int samples) {
  return (static_cast<unsigned>(samples) + kLossRows - 1) / kLossRows;
}

struct Outcome {
  float loss = 0, top1 = 0, top5 = 0;
};

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

/// How many classes stand before `label` when sorted by logit, equal ones by index.
__device__ __forceinline__ float rank_of(const float* logits, int classes, int label, int lane) {
  const float own = logits[label];
  float before = 0;
  for (int k = lane; k < classes; k += 32) {
    if (logits[k] > own || (logits[k] == own && k < label)) ++before;
  }
  return warp_sum(before);
}

/// One sample; what is returned is valid in every lane.
__device__ __forceinline__ Outcome sample(const Parameters& p, int n, int lane, float counted) {
  const int64_t first = static_cast<int64_t>(n) * p.classes;
  const float* logits = p.logits + first;
  const int label = p.labels[n];
  const bool counts = label >= 0;
  const float scale = (p.scaler == nullptr ? 1.0f : p.scaler[0]) / counted;
  const float spread = p.smoothing / static_cast<float>(p.classes);
  const Normalizer normalizer = normalizer_of(logits, p.classes, lane);
  float loss = 0;
  for (int k = lane; k < p.classes; k += 32) {
    const float log_probability = normalizer.log_probability(logits[k]);
    const float probability = expf(log_probability);
    const float target = p.targets != nullptr ? p.targets[first + k]
                                              : (k == label ? 1 - p.smoothing : 0.0f) + spread;
    // A class of target 0 costs nothing, not even where its probability is 0.
    if (target != 0) loss -= target * log_probability;
    if (p.probabilities != nullptr) p.probabilities[first + k] = probability;
    if (p.dlogits != nullptr) {
      p.dlogits[first + k] = counts ? (probability - target) * scale : 0.0f;
    }
  }
  if (p.predictions != nullptr) {
    const int prediction = prediction_of(logits, p.classes, lane);
    if (lane == 0) p.predictions[n] = prediction;
  }
  if (!counts) return {};
  // Whoever gives a label that is no class shall see it.
  if (label >= p.classes) return {NAN, 0, 0};
  const float rank = rank_of(logits, p.classes, label, lane);
  return {warp_sum(loss), rank < 1 ? 1.0f : 0.0f, rank < 5 ? 1.0f : 0.0f};
}

__global__ void softmax_cross_entropy_kernel(Parameters p) {
  const int n = static_cast<int>(blockIdx.x * kLossRows + threadIdx.x / 32);
  const int lane = static_cast<int>(threadIdx.x % 32);
  float counted = 0;
  for (int i = static_cast<int>(threadIdx.x); i < p.samples; i += static_cast<int>(blockDim.x)) {
    if (p.labels[i] >= 0) ++counted;
  }
  counted = block_sum(counted);
  const Outcome outcome = n < p.samples ? sample(p, n, lane, counted) : Outcome();
  const float loss = block_sum(lane == 0 ? outcome.loss : 0);
  const float top1 = block_sum(lane == 0 ? outcome.top1 : 0);
  const float top5 = block_sum(lane == 0 ? outcome.top5 : 0);
  if (threadIdx.x == 0) {
    float* own = p.partial + blockIdx.x * kPartials;
    own[0] = loss;
    own[1] = top1;
    own[2] = top5;
  }
  if (!last_block(p.counter)) return;
  float sums[kPartials] = {};
  for (unsigned i = threadIdx.x; i < gridDim.x; i += blockDim.x) {
    for (unsigned j = 0; j < kPartials; ++j) sums[j] += p.partial[i * kPartials + j];
  }
  for (unsigned j = 0; j < kPartials; ++j) sums[j] = block_sum(sums[j]);
  if (threadIdx.x != 0) return;
  p.metrics[0] = sums[0];
  p.metrics[1] = counted;
  p.metrics[2] = sums[1];
  p.metrics[3] = sums[2];
}

}  // namespace

void softmax_cross_entropy(Runtime& runtime, Stream stream, const Parameters& parameters) {
  launch(runtime, stream, "softmax_cross_entropy", {blocks_of(parameters.samples)},
         {kLossRows * 32}, softmax_cross_entropy_kernel, parameters);
}

size_t softmax_cross_entropy_workspace(int samples) {
  return blocks_of(samples) * kPartials * sizeof(float);
}

}  // namespace preresnet::cuda
