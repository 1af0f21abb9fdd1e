#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/runtime.h"

namespace preresnet::cuda {

/// Probabilities of each row of logits (rows x classes).
void softmax(Runtime&, Stream, const float* logits, float* probabilities, int rows, int classes);

struct SoftmaxCrossEntropyParameters {
  const float* logits;    // N K
  const int32_t* labels;  // N
  const float* targets;   // N K, or null
  const float* scaler;    // 8, or null
  float* dlogits;         // N K, or null
  float* probabilities;   // N K, or null
  int32_t* predictions;   // N, or null
  float* metrics;         // 4
  float* partial;         // workspace
  unsigned* counter;
  int samples, classes;
  float smoothing;
};

void softmax_cross_entropy(Runtime&, Stream, const SoftmaxCrossEntropyParameters&);
size_t softmax_cross_entropy_workspace(int samples);

}  // namespace preresnet::cuda
