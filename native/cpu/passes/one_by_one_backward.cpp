#include "cpu/passes/one_by_one_backward.h"

#include "core/error.h"
#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/one_by_one_backward.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/bf16_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

#ifdef PRERESNET_BF16_PRODUCTS
/// A tile's operands: gradients by pixels, and both by pairs of pixels, [blocks][pairs][16][2].
struct Tile {
  uint16_t *dy, *dy_pairs, *x_pairs;
};

template <int kPixels>
HWY_INLINE void gather_tile(const GradientPass& pass, int64_t first, const Tile& tile) {
  const bool with_y = has_y(pass), with_skip = has_skip(pass);
  uint16_t* to = tile.dy;
  uint16_t* pairs = tile.dy_pairs;
  for (int64_t block = 0; block < pass.blocks; ++block) {
    const GradientAt<Kind::bf16> gradient(pass, block);
    const int64_t begin = (block * pass.pixels + first) * 16;
    for (int i = 0; i < kPixels; i += 2, pairs += 32) {
      const Sixteen even = store(gradient(begin + i * 16, with_y, with_skip), to + i * 16);
      Sixteen odd = zero();
      if (i + 1 < kPixels)
        odd = store(gradient(begin + (i + 1) * 16, with_y, with_skip), to + (i + 1) * 16);
      store_pairs(even, odd, pairs);
    }
    to += kPixels * 16;
  }
}

template <int kPixels>
HWY_INLINE void transform_tile(const TransformPass& pass, int64_t first, uint16_t* pairs) {
  for (int64_t block = 0; block < pass.blocks; ++block) {
    const Transform t = transform_of(pass.scale, pass.bias, pass.relu, block * 16);
    const int64_t begin = (block * pass.pixels + first) * 16;
    for (int i = 0; i < kPixels; i += 2, pairs += 32) {
      const Sixteen even = as_bf16(t(read<Kind::bf16>(pass.x, begin + i * 16)));
      Sixteen odd = zero();
      if (i + 1 < kPixels) odd = as_bf16(t(read<Kind::bf16>(pass.x, begin + (i + 1) * 16)));
      store_pairs(even, odd, pairs);
    }
  }
}

/// dw += the products of a tile's pairs.
template <int kPairs>
HWY_INLINE void weight_gradient(const Tile& tile, int64_t in_blocks, int64_t out_blocks,
                                float* dw) {
  for (int64_t out = 0; out < out_blocks; ++out) {
    const uint16_t* dy = tile.dy_pairs + out * kPairs * 32;
    for (int64_t in = 0; in < in_blocks; ++in, dw += 256) {
      const uint16_t* x = tile.x_pairs + in * kPairs * 32;
      Sixteen sum[16];
      HWY_UNROLL(16)
      for (int i = 0; i < 16; ++i) sum[i] = load(dw + i * 16);
      for (int pair = 0; pair < kPairs; ++pair) {
        const Sixteen pairs = load_pairs(dy + pair * 32);
        HWY_UNROLL(16)
        for (int i = 0; i < 16; ++i) add_products(sum[i], pairs, x + pair * 32 + i * 2);
      }
      HWY_UNROLL(16)
      for (int i = 0; i < 16; ++i) store(sum[i], dw + i * 16);
    }
  }
}

/// What becomes of one input block of a tile.
template <bool with_add, bool with_x, int kPixels, class Into>
HWY_INLINE void finish_tile(const InputGradientPass& pass, int64_t block, int64_t first,
                            const Sixteen (&gradient)[kPixels], Into& sums) {
  const InputGradientAt<Kind::bf16> finish(pass, block);
  const int64_t begin = (block * pass.pixels + first) * 16;
  HWY_UNROLL(16)
  for (int i = 0; i < kPixels; ++i) finish(gradient[i], begin + i * 16, with_add, with_x, sums);
}

template <bool with_add, int kPixels>
HWY_INLINE void finish_tile(const InputGradientPass& pass, int64_t block, int64_t first,
                            const Sixteen (&gradient)[kPixels], float* sums) {
  NoSums none;
  if (pass.sums != nullptr) {
    Sums of_tile;
    finish_tile<with_add, true>(pass, block, first, gradient, of_tile);
    add_sums(of_tile, sums + block * 32);
  } else if (reads_x(pass)) {
    finish_tile<with_add, true>(pass, block, first, gradient, none);
  } else {
    finish_tile<with_add, false>(pass, block, first, gradient, none);
  }
}

struct OneByOneBackward {
  const OneByOneBackwardPass& pass;
  float* sums;
  Tile operands;

  template <int kPixels>
  HWY_INLINE void tile(int64_t first) const {
    const int64_t in_blocks = pass.dx.blocks, out_blocks = pass.dy.blocks;
    gather_tile<kPixels>(pass.dy, first, operands);
    transform_tile<kPixels>(pass.x, first, operands.x_pairs);
    weight_gradient<(kPixels + 1) / 2>(operands, in_blocks, out_blocks, pass.dw);
    for (int64_t block = 0; block < in_blocks; ++block) {
      Sixteen gradient[kPixels];
      multiply_tile<kPixels>(operands.dy, out_blocks, pass.weights + block * out_blocks * 256,
                             gradient);
      if (pass.dx.add.data == nullptr) {
        finish_tile<false>(pass.dx, block, first, gradient, sums);
      } else {
        finish_tile<true>(pass.dx, block, first, gradient, sums);
      }
    }
  }

  HWY_INLINE void flush() const {
    const InputGradientPass& dx = pass.dx;
    if (dx.sums != nullptr) flush_sums(dx.blocks, sums, dx.sums, dx.products);
  }
};

void one_by_one_backward(const OneByOneBackwardPass& pass) {
  const int64_t sums = pass.dx.blocks * 32, dy = pass.dy.blocks * kTile * 16;
  auto* scratch = reinterpret_cast<float*>(pass.scratch);
  auto* operands = reinterpret_cast<uint16_t*>(scratch + sums);
  for (int64_t i = 0; i < sums; ++i) scratch[i] = 0;
  each_tile(pass.dx.pixels,
            OneByOneBackward{pass, scratch, {operands, operands + dy, operands + 2 * dy}});
}
#else
void one_by_one_backward(const OneByOneBackwardPass&) {
  throw Error("ERR_INTERNAL", "one_by_one_backward: expected a processor that multiplies bf16");
}
#endif

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {

HWY_EXPORT(one_by_one_backward);

void run(const OneByOneBackwardPass& pass) { HWY_DYNAMIC_DISPATCH(one_by_one_backward)(pass); }

size_t one_by_one_backward_scratch(int64_t in_blocks, int64_t out_blocks) {
  return static_cast<size_t>(in_blocks * 32) * sizeof(float) +
         static_cast<size_t>((2 * out_blocks + in_blocks) * kTile * 16) * sizeof(uint16_t);
}

}  // namespace preresnet::cpu::passes
#endif
