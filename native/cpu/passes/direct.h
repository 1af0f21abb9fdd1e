// A convolution from raw input to stored output, some pixels and some filters of an image at a
// time: y = output(conv(t(x), w)). Each sum goes over taps and channels in one order, whatever else
// is computed with it, so pixels and filters can be shared out in any way.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cpu/partition.h"
#include "cpu/passes/output.h"
#include "cpu/passes/transform.h"

namespace preresnet::cpu::passes {

struct DirectWindow {
  int64_t height = 0, width = 0;  // of x
  int64_t kernel_height = 1, kernel_width = 1, stride = 1, padding = 0;

  int64_t taps() const { return kernel_height * kernel_width; }
  bool one_pixel() const { return taps() == 1 && stride == 1 && padding == 0; }
};

/// What is multiplied, and how it lies in memory: [taps][blocks of x][lanes] a filter or pixel.
struct DirectDepth {
  bool bf16 = false;   // products of bf16 (has_bf16_products), in pairs of channels, else of f32
  int64_t lanes = 16;  // channels of a block that are multiplied: 16, or those of a single block
  int64_t steps = 0;   // taps * blocks of x

  /// Channels of a pixel lie so far apart from the next pixel's.
  int64_t pitch() const { return lanes <= 4 ? 4 : 16; }
};

struct DirectPass {
  TransformPass x;    // of the first image, all its blocks; `out` is not used
  OutputPass output;  // of the first image, all its filters; `result` and sums are not used
  DirectWindow window;
  DirectDepth depth;
  /// [out blocks][steps][lanes][16] f32, [out blocks][steps][lanes / 2][16][2] bf16
  const void* weights;
  int64_t image;  // counted from the first
  Range pixels;   // of that image
  Range filters;  // in blocks of 16
  std::byte* scratch;
};
void run(const DirectPass& pass);

/// Bytes, aligned to 64.
size_t direct_scratch(const DirectDepth& depth);

}  // namespace preresnet::cpu::passes
