#pragma once
#include <cstdint>

#include "cuda/convolution.h"

namespace preresnet::cuda {

struct EmaParameters {
  const float* values;
  float* averages;
  int64_t count;
  const float* scaler;   // 8, or null
  const uint64_t* step;  // from 0
  float share;           // 1 - decay
  uint64_t every, after;
};
/// averages follow values, as contracts.json, ema, has it.
void ema(Runtime&, Stream, const EmaParameters&);

}  // namespace preresnet::cuda
