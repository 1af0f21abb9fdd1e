// A gradient put together, one image: a * d + b * y + c + skip, into memory, into scratch (in the
// type that a convolution wants), or both; with its sums.
#pragma once
#include <cstdint>

#include "cpu/storage.h"

namespace preresnet::cpu::passes {

struct GradientPass {
  Source d = {}, y = {}, skip = {};  // no data in y or skip: the term is absent
  const float* a = nullptr;          // null: 1
  const float* b = nullptr;          // with y
  const float* c = nullptr;
  Destination stored = {};   // no data: not stored; else everybody gets the rounded values
  Destination scratch = {};  // no data: none
  int64_t blocks = 0, pixels = 0;
  double* sums = nullptr;  // per channel, added to; null: none are taken
};
void run(const GradientPass& pass);

}  // namespace preresnet::cpu::passes
