// A convolution of kernel 1 over one image, from raw input to stored output: y = output(t(x) w), a
// few pixels at a time. What is between the passes never leaves the first-level cache, and reading
// and writing go on while it multiplies. Products of bf16, sums in f32.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cpu/passes/output.h"
#include "cpu/passes/transform.h"

namespace preresnet::cpu::passes {

/// Pixels that are taken at a time: as many accumulators fit the registers.
constexpr int kTile = 16;

struct OneByOnePass {
  TransformPass x;          // bf16 in memory; `out` is not used
  const uint16_t* weights;  // [out blocks][in / 2][16 out][2]
  OutputPass output;        // bf16 in memory; `result` is not used, a residual is like y
  std::byte* scratch;       // one_by_one_scratch
};
void run(const OneByOnePass& pass);

/// Bytes, aligned to 64.
size_t one_by_one_scratch(int64_t in_blocks, int64_t out_blocks);

}  // namespace preresnet::cpu::passes
