// What a convolution does to each value before it writes it: y = [ReLU](result [+ bias]
// [+ residual]).
#pragma once

namespace preresnet::cpu {

struct Epilogue {
  const float* bias = nullptr;      // one a filter
  const float* residual = nullptr;  // like y
  bool relu = false;                // NaN stays NaN
};

}  // namespace preresnet::cpu
