// The backward pass of a convolution of kernel 1 over one image, from the stored gradients at its
// output to that at its input, the gradient of the weights in between; a few pixels at a time.
// Products of bf16, sums in f32.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cpu/passes/gradient.h"
#include "cpu/passes/input_gradient.h"
#include "cpu/passes/transform.h"

namespace preresnet::cpu::passes {

struct OneByOneBackwardPass {
  GradientPass dy;          // bf16 in memory; `scratch` and `sums` are not used
  TransformPass x;          // bf16 in memory; `out` is not used
  InputGradientPass dx;     // bf16 in memory; `gradient` and `per_channel` are not used
  const uint16_t* weights;  // [in blocks][out / 2][16 in][2]
  float* dw;                // [out blocks][in blocks][16 in][16 out], added to
  std::byte* scratch;       // one_by_one_backward_scratch
};
void run(const OneByOneBackwardPass& pass);

/// Bytes, aligned to 64.
size_t one_by_one_backward_scratch(int64_t in_blocks, int64_t out_blocks);

}  // namespace preresnet::cpu::passes
