#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/runtime.h"

namespace preresnet::cuda {

/// Probabilities of each row of logits (rows x classes).
void softmax(Runtime&, Stream, const float* logits, float* probabilities, int rows, int classes);

/// What all losses have.
struct LossParameters {
  const float* logits;    // N K
  const int32_t* labels;  // N
  const float* targets;   // N K, or null
  const float* scaler;    // 8, or null
  const float* weights;   // K, of the classes, or null
  bool weighs_labels;     // whether the step is divided by the weights of its labels
  float* dlogits;         // N K; null where it is not asked for
  float* metrics;         // 4
  float* partial;         // workspace
  unsigned* counter;
  int samples, classes;
  float smoothing;
};
size_t loss_workspace(int samples);

struct SoftmaxCrossEntropyParameters : LossParameters {
  float* probabilities;  // N K, or null
  int32_t* predictions;  // N, or null
};
void softmax_cross_entropy(Runtime&, Stream, const SoftmaxCrossEntropyParameters&);

struct BinaryCrossEntropyParameters : LossParameters {
  float threshold;  // below 0: targets as they are
};
void binary_cross_entropy(Runtime&, Stream, const BinaryCrossEntropyParameters&);

}  // namespace preresnet::cuda
