#pragma once
#include "cuda/convolution.h"
#include "cuda/runtime.h"

namespace preresnet::cuda {

/// Vectors of padded channels: [groups][padded], running statistics and parameters [padded].
struct BnFinalizeOperands {
  const float* sums;  // [groups][2][padded]; null: the running statistics are used
  const float* weight;
  const float* beta;
  float* running_mean;
  float* running_var;
  float* mean;
  float* invstd;
  float* scale;
  float* bias;
  void* scale_stored;  // storage type; may be null
  void* bias_stored;
  uint32_t groups, channels, padded;
  double count, epsilon, momentum;
};
void bn_finalize(Runtime&, Stream, Type, const BnFinalizeOperands&);

}  // namespace preresnet::cuda
