// What becomes of a convolution's result, one image: y = [ReLU](result [* scale] [+ bias]
// [+ t(residual)]), stored, with the sums of what was stored.
#pragma once
#include <cstdint>

#include "cpu/storage.h"

namespace preresnet::cpu::passes {

struct OutputPass {
  const float* result = nullptr;  // may be where y is
  const float* scale = nullptr;
  const float* bias = nullptr;
  Source residual = {};  // no data: none. Read at (subsample h, subsample w); zero past its blocks
  const float* residual_scale = nullptr;
  const float* residual_bias = nullptr;
  bool residual_relu = false;
  int64_t residual_blocks = 0, residual_height = 0, residual_width = 0, subsample = 1;
  bool relu = false;
  Destination y = {};
  int64_t blocks = 0, height = 0, width = 0;
  double* sums = nullptr;     // per channel, added to; null: none are taken
  double* squares = nullptr;  // null only if sums is
};
void run(const OutputPass& pass);

}  // namespace preresnet::cpu::passes
