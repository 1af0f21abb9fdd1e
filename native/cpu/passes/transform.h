// out = t(x), one image: [ReLU][scale and bias], in the type that a convolution wants.
#pragma once
#include <cstdint>

#include "cpu/storage.h"

namespace preresnet::cpu::passes {

struct TransformPass {
  Source x = {};
  const float* scale = nullptr;  // per channel, padded to blocks; null: x as it is
  const float* bias = nullptr;
  bool relu = false;
  Destination out = {};
  int64_t blocks = 0, pixels = 0;
};
void run(const TransformPass& pass);

}  // namespace preresnet::cpu::passes
