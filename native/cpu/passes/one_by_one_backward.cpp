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

struct GradientAt {
  Source d, y, skip;
  Sixteen a, b, c;
  Target stored;

  HWY_INLINE Sixteen operator()(int64_t i) const {
    Sixteen value = c;
    if (y.data != nullptr) value = multiply_add(read<Kind::bf16>(y, i), b, value);
    value = multiply_add(read<Kind::bf16>(d, i), a, value);
    if (skip.data != nullptr) value = add(value, read<Kind::bf16>(skip, i));
    return stored.data == nullptr ? value : write<Kind::bf16>(stored, i, value);
  }
};

template <int kPixels>
HWY_INLINE void gather_tile(const GradientPass& pass, int64_t first, const Tile& tile) {
  uint16_t* to = tile.dy;
  uint16_t* pairs = tile.dy_pairs;
  for (int64_t block = 0; block < pass.blocks; ++block) {
    const GradientAt gradient{pass.d,
                              pass.b == nullptr ? Source{} : pass.y,
                              pass.skip,
                              load_or(pass.a, block * 16, 1),
                              load_or(pass.b, block * 16, 0),
                              load_or(pass.c, block * 16, 0),
                              pass.stored};
    const int64_t begin = (block * pass.pixels + first) * 16;
    for (int i = 0; i < kPixels; i += 2, pairs += 32) {
      const Sixteen even = store(gradient(begin + i * 16), to + i * 16);
      Sixteen odd = zero();
      if (i + 1 < kPixels) odd = store(gradient(begin + (i + 1) * 16), to + (i + 1) * 16);
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
template <int kPixels, bool has_add, bool reads_x, class Into>
HWY_INLINE void finish_tile(const InputGradientPass& pass, int64_t block, int64_t first,
                            const Sixteen (&gradient)[kPixels], Into& sums) {
  const Transform t = transform_of(pass.scale, pass.bias, false, block * 16);
  const int64_t begin = (block * pass.pixels + first) * 16;
  HWY_UNROLL(16)
  for (int i = 0; i < kPixels; ++i) {
    const int64_t at = begin + i * 16;
    Sixteen value = gradient[i];
    if constexpr (has_add) value = add(value, read<Kind::bf16>(pass.add, at));
    Sixteen raw = value;
    if constexpr (reads_x) {
      raw = read<Kind::bf16>(pass.x, at);
      if (pass.mask) value = where_positive(t(raw), value);
    }
    sums.add(write<Kind::bf16>(pass.dx, at, value), raw);
  }
}

template <int kPixels, bool has_add>
HWY_INLINE void finish(const InputGradientPass& pass, int64_t block, int64_t first,
                       const Sixteen (&gradient)[kPixels], float* sums) {
  NoSums none;
  if (pass.sums != nullptr) {
    Sums of_tile;
    finish_tile<kPixels, has_add, true>(pass, block, first, gradient, of_tile);
    add_sums(of_tile, sums + block * 32);
  } else if (pass.mask) {
    finish_tile<kPixels, has_add, true>(pass, block, first, gradient, none);
  } else {
    finish_tile<kPixels, has_add, false>(pass, block, first, gradient, none);
  }
}

template <int kPixels>
HWY_INLINE void run_tile(const OneByOneBackwardPass& pass, int64_t first, const Tile& tile,
                         float* sums) {
  const int64_t in_blocks = pass.dx.blocks, out_blocks = pass.dy.blocks;
  gather_tile<kPixels>(pass.dy, first, tile);
  transform_tile<kPixels>(pass.x, first, tile.x_pairs);
  weight_gradient<(kPixels + 1) / 2>(tile, in_blocks, out_blocks, pass.dw);
  for (int64_t block = 0; block < in_blocks; ++block) {
    Sixteen gradient[kPixels];
    multiply_tile<kPixels>(tile.dy, out_blocks, pass.weights + block * out_blocks * 256, gradient);
    if (pass.dx.add.data == nullptr) {
      finish<kPixels, false>(pass.dx, block, first, gradient, sums);
    } else {
      finish<kPixels, true>(pass.dx, block, first, gradient, sums);
    }
  }
}

void one_by_one_backward(const OneByOneBackwardPass& pass) {
  const InputGradientPass& dx = pass.dx;
  auto* sums = reinterpret_cast<float*>(pass.scratch);
  auto* operands = reinterpret_cast<uint16_t*>(sums + dx.blocks * 32);
  const Tile tile{operands, operands + pass.dy.blocks * kTile * 16,
                  operands + pass.dy.blocks * kTile * 32};
  for (int64_t i = 0; i < dx.blocks * 32; ++i) sums[i] = 0;
  for (int64_t first = 0; first < dx.pixels;) {
    const int64_t end = HWY_MIN(first + kPixelsInFloat, dx.pixels);
    for (; first + kTile <= end; first += kTile) run_tile<kTile>(pass, first, tile, sums);
    for (; first + 4 <= end; first += 4) run_tile<4>(pass, first, tile, sums);
    for (; first < end; ++first) run_tile<1>(pass, first, tile, sums);
    if (dx.sums != nullptr) flush_sums(dx.blocks, sums, dx.sums, dx.products);
  }
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
