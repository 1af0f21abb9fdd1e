// Pooling of t(x), one block of 16 channels of one image. Positions outside the image do not count
// for a maximum, and as zeros for a mean.
#pragma once
#include <cstdint>

#include "cpu/storage.h"

namespace preresnet::cpu::passes {

struct PoolWindow {
  int64_t kernel = 0, stride = 0, padding = 0;
  int64_t height = 0, width = 0, out_height = 0, out_width = 0;
};

struct PoolPass {
  PoolWindow window = {};
  Source x = {};                 // of the image
  const float* scale = nullptr;  // of the image
  const float* bias = nullptr;
  bool relu = false;
  int64_t block = 0;
  Destination y = {};
  double* sums = nullptr;  // of the block, added to; null: none are taken
  double* squares = nullptr;
};
void run(const PoolPass& pass);

/// The mean instead of the maximum.
struct AveragePoolPass {
  PoolWindow window = {};
  Source x = {};  // of the image
  const float* scale = nullptr;
  const float* bias = nullptr;
  bool relu = false;
  int64_t block = 0;
  Destination y = {};
  double* sums = nullptr;  // as above
  double* squares = nullptr;
};
void run(const AveragePoolPass& pass);

struct PoolGradientPass {
  PoolWindow window = {};
  Source x = {};
  const float* scale = nullptr;
  const float* bias = nullptr;
  bool relu = false;
  int64_t block = 0;
  Source dy = {};
  float* gradient = nullptr;  // [height][width][16], of this block: each dy given to the first
                              // maximum of its window
};
void run(const PoolGradientPass& pass);

struct AveragePoolGradientPass {
  PoolWindow window = {};
  int64_t block = 0;
  Source dy = {};             // of the image
  float* gradient = nullptr;  // [height][width][16], of this block: each dy in equal parts
};
void run(const AveragePoolGradientPass& pass);

}  // namespace preresnet::cpu::passes
