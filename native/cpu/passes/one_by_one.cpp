#include "cpu/passes/one_by_one.h"

#include "core/error.h"
#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/one_by_one.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/bf16_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

#ifdef PRERESNET_BF16_PRODUCTS
/// t(x) of some pixels, [blocks][pixels][16].
HWY_INLINE void transform_tile(const TransformPass& pass, int64_t first, int pixels,
                               uint16_t* tile) {
  for (int64_t block = 0; block < pass.blocks; ++block) {
    const Transform t = transform_of(pass.scale, pass.bias, pass.relu, block * 16);
    const int64_t begin = (block * pass.pixels + first) * 16;
    for (int i = 0; i < pixels; ++i, tile += 16) {
      store(t(read<Kind::bf16>(pass.x, begin + i * 16)), tile);
    }
  }
}

/// Whether y goes past the caches: where channels become more it is the largest tensor around, and
/// read again only after the whole batch. Measured for training; inference reads it sooner.
HWY_INLINE bool streams(const OneByOnePass& pass) {
  return pass.output.sums != nullptr && pass.output.blocks > pass.x.blocks;
}

/// What becomes of one output block of a tile.
template <bool kStream, int kPixels, class Into>
HWY_INLINE void output_tile(const OutputPass& pass, int64_t block, int64_t first,
                            const Sixteen (&result)[kPixels], Into& sums) {
  const Sixteen scale = load_or(pass.scale, block * 16, 1);
  const Sixteen bias = load_or(pass.bias, block * 16, 0);
  const Transform t =
      transform_of(pass.residual_scale, pass.residual_bias, pass.residual_relu, block * 16);
  const int64_t begin = (block * pass.height * pass.width + first) * 16;
  HWY_UNROLL(16)
  for (int i = 0; i < kPixels; ++i) {
    Sixteen value = multiply_add(result[i], scale, bias);
    if (pass.residual.data != nullptr) {
      value = add(value, t(read<Kind::bf16>(pass.residual, begin + i * 16)));
    }
    if (pass.relu) value = relu(value);
    uint16_t* y = static_cast<uint16_t*>(pass.y.data) + begin + i * 16;
    const Sixteen stored = kStream ? stream(value, y) : store(value, y);
    sums.add(stored, stored);
  }
}

template <int kPixels>
HWY_INLINE void run_tile(const OneByOnePass& pass, int64_t first, uint16_t* tile, float* sums) {
  transform_tile(pass.x, first, kPixels, tile);
  const int64_t in_blocks = pass.x.blocks;
  for (int64_t block = 0; block < pass.output.blocks; ++block) {
    Sixteen result[kPixels];
    multiply_tile<kPixels>(tile, in_blocks, pass.weights + block * in_blocks * 256, result);
    if (pass.output.sums == nullptr) {
      NoSums none;
      output_tile<false>(pass.output, block, first, result, none);
      continue;
    }
    Sums of_tile;
    if (streams(pass)) {
      output_tile<true>(pass.output, block, first, result, of_tile);
    } else {
      output_tile<false>(pass.output, block, first, result, of_tile);
    }
    add_sums(of_tile, sums + block * 32);
  }
}

void one_by_one(const OneByOnePass& pass) {
  const OutputPass& output = pass.output;
  auto* sums = reinterpret_cast<float*>(pass.scratch);
  auto* tile = reinterpret_cast<uint16_t*>(sums + output.blocks * 32);
  for (int64_t i = 0; i < output.blocks * 32; ++i) sums[i] = 0;
  for (int64_t first = 0; first < pass.x.pixels;) {
    const int64_t end = HWY_MIN(first + kPixelsInFloat, pass.x.pixels);
    for (; first + kTile <= end; first += kTile) run_tile<kTile>(pass, first, tile, sums);
    for (; first + 4 <= end; first += 4) run_tile<4>(pass, first, tile, sums);
    for (; first < end; ++first) run_tile<1>(pass, first, tile, sums);
    if (output.sums != nullptr) flush_sums(output.blocks, sums, output.sums, output.squares);
  }
  if (streams(pass)) hwy::FlushStream();
}

bool can() { return true; }
#else
void one_by_one(const OneByOnePass&) {
  throw Error("ERR_INTERNAL", "one_by_one: expected a processor that multiplies bf16");
}

bool can() { return false; }
#endif

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {

HWY_EXPORT(one_by_one);
HWY_EXPORT(can);

void run(const OneByOnePass& pass) { HWY_DYNAMIC_DISPATCH(one_by_one)(pass); }
bool has_one_by_one() { return HWY_DYNAMIC_DISPATCH(can)(); }

size_t one_by_one_scratch(int64_t in_blocks, int64_t out_blocks) {
  return static_cast<size_t>(out_blocks * 32) * sizeof(float) +
         static_cast<size_t>(in_blocks * kTile * 16) * sizeof(uint16_t);
}

}  // namespace preresnet::cpu::passes
#endif
