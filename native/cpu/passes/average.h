// Sums over the pixels of t(x), one image.
#pragma once
#include <cstdint>

#include "cpu/storage.h"

namespace preresnet::cpu::passes {

struct AveragePass {
  Source x = {};
  const float* scale = nullptr;
  const float* bias = nullptr;
  bool relu = false;
  int64_t blocks = 0, pixels = 0;
  double* sums = nullptr;  // per channel, padded to blocks; added to
};
void run(const AveragePass& pass);

}  // namespace preresnet::cpu::passes
