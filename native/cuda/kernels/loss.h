// What kernels of losses share: a warp a sample, targets, hits, and metrics in two phases.
#pragma once
#include "cuda/kernels/block.h"
#include "cuda/kernels/softmax.h"

namespace preresnet::cuda {

constexpr unsigned kLossRows = 4;  // a block's, one a warp
constexpr unsigned kLossPartials = 3;

inline unsigned loss_blocks(int samples) {
  return (static_cast<unsigned>(samples) + kLossRows - 1) / kLossRows;
}

struct Outcome {
  float loss = 0, top1 = 0, top5 = 0;
};

/// How many classes stand before `label` when sorted by logit, equal ones by index.
__device__ __forceinline__ float rank_of(const float* logits, int classes, int label, int lane) {
  const float own = logits[label];
  float before = 0;
  for (int k = lane; k < classes; k += 32) {
    if (logits[k] > own || (logits[k] == own && k < label)) ++before;
  }
  return warp_sum(before);
}

/// Share of class k in the target of sample n.
__device__ __forceinline__ float target_of(const LossParameters& p, int n, int k) {
  if (p.targets != nullptr) return p.targets[static_cast<int64_t>(n) * p.classes + k];
  return (k == p.labels[n] ? 1 - p.smoothing : 0.0f) + p.smoothing / static_cast<float>(p.classes);
}

__device__ __forceinline__ float weight_of(const LossParameters& p, int k) {
  return p.weights == nullptr ? 1.0f : p.weights[k];
}

/// Of a whole warp: `loss` is its lane's part of the sample's loss.
__device__ __forceinline__ Outcome outcome_of(const LossParameters& p, int n, int lane,
                                              float loss) {
  const int label = p.labels[n];
  if (label < 0) return {};
  // Whoever gives a label that is no class shall see it.
  if (label >= p.classes) return {NAN, 0, 0};
  const float* logits = p.logits + static_cast<int64_t>(n) * p.classes;
  const float rank = rank_of(logits, p.classes, label, lane);
  return {warp_sum(loss), rank < 1 ? 1.0f : 0.0f, rank < 5 ? 1.0f : 0.0f};
}

/// Body of a kernel. sample(n, lane, divisor) gives the outcome of one sample, valid in lane 0;
/// divisor: the samples that count, or the weights of their labels.
template <class Sample>
__device__ __forceinline__ void each_sample(const LossParameters& p, Sample&& sample) {
  const int n = static_cast<int>(blockIdx.x * kLossRows + threadIdx.x / 32);
  const int lane = static_cast<int>(threadIdx.x % 32);
  float counted = 0, weight = 0;
  for (int i = static_cast<int>(threadIdx.x); i < p.samples; i += static_cast<int>(blockDim.x)) {
    if (p.labels[i] < 0) continue;
    ++counted;
    // A label that is no class is told of by the loss.
    if (p.weighs_labels && p.labels[i] < p.classes) weight += p.weights[p.labels[i]];
  }
  counted = block_sum(counted);
  const float divisor = p.weighs_labels ? block_sum(weight) : counted;
  const Outcome outcome = n < p.samples ? sample(n, lane, divisor) : Outcome();
  float loss = block_sum(lane == 0 ? outcome.loss : 0);
  if (p.weighs_labels && counted > 0) loss *= counted / divisor;
  const float top1 = block_sum(lane == 0 ? outcome.top1 : 0);
  const float top5 = block_sum(lane == 0 ? outcome.top5 : 0);
  if (threadIdx.x == 0) {
    float* own = p.partial + blockIdx.x * kLossPartials;
    own[0] = loss;
    own[1] = top1;
    own[2] = top5;
  }
  if (!last_block(p.counter)) return;
  float sums[kLossPartials] = {};
  for (unsigned i = threadIdx.x; i < gridDim.x; i += blockDim.x) {
    for (unsigned j = 0; j < kLossPartials; ++j) sums[j] += p.partial[i * kLossPartials + j];
  }
  for (unsigned j = 0; j < kLossPartials; ++j) sums[j] = block_sum(sums[j]);
  if (threadIdx.x != 0) return;
  p.metrics[0] = sums[0];
  p.metrics[1] = counted;
  p.metrics[2] = sums[1];
  p.metrics[3] = sums[2];
}

}  // namespace preresnet::cuda
