#pragma once
#include "cuda/runtime.h"

namespace preresnet::cuda {

/// Vectors of padded channels: [groups][padded], parameters and their gradients [padded].
struct BnBackwardOperands {
  const float* sums;  // [groups][2][padded]
  const float* weight;
  const float* mean;
  const float* invstd;
  float* dweight;  // may be null, as dbeta
  float* dbeta;
  float* a;
  float* b;
  float* c;
  uint32_t groups, channels, padded;
  double count;
  bool frozen;
};
void bn_backward(Runtime&, Stream, const BnBackwardOperands&);

}  // namespace preresnet::cuda
