// The gradient at the input of a fused operation, one image: dx = mask(t(x)) . (gradient + add),
// stored, with the sums of what was stored and of its products with the raw x.
#pragma once
#include <cstdint>

#include "cpu/storage.h"

namespace preresnet::cpu::passes {

struct InputGradientPass {
  const float* gradient = nullptr;     // may be where dx is
  const float* per_channel = nullptr;  // instead of it: the same for all pixels
  Source add = {};                     // no data: none
  Source x = {};
  const float* scale = nullptr;
  const float* bias = nullptr;
  bool mask = false;
  Destination dx = {};
  int64_t blocks = 0, pixels = 0;
  double* sums = nullptr;      // per channel, added to; null: none are taken
  double* products = nullptr;  // null only if sums is
};
void run(const InputGradientPass& pass);

}  // namespace preresnet::cpu::passes
