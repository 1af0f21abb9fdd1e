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
  const int64_t begin = (block * pass.height * pass.width + first) * 16;
  const MaybeResidual<Kind::bf16> residual{
      advance(pass.residual, begin),
      transform_of(pass.residual_scale, pass.residual_bias, pass.residual_relu, block * 16)};
  HWY_UNROLL(16)
  for (int i = 0; i < kPixels; ++i) {
    const Sixteen value = output_of(result[i], scale, bias, residual, i, pass.relu);
    uint16_t* y = static_cast<uint16_t*>(pass.y.data) + begin + i * 16;
    const Sixteen stored = kStream ? stream(value, y) : store(value, y);
    sums.add(stored, stored);
  }
}

struct OneByOne {
  const OneByOnePass& pass;
  float* sums;
  uint16_t* operand;
  bool streamed;

  template <int kPixels>
  HWY_INLINE void tile(int64_t first) const {
    transform_tile(pass.x, first, kPixels, operand);
    const int64_t in_blocks = pass.x.blocks;
    for (int64_t block = 0; block < pass.output.blocks; ++block) {
      Sixteen result[kPixels];
      multiply_tile<kPixels>(operand, in_blocks, pass.weights + block * in_blocks * 256, result);
      if (pass.output.sums == nullptr) {
        NoSums none;
        output_tile<false>(pass.output, block, first, result, none);
        continue;
      }
      Sums of_tile;
      if (streamed) {
        output_tile<true>(pass.output, block, first, result, of_tile);
      } else {
        output_tile<false>(pass.output, block, first, result, of_tile);
      }
      add_sums(of_tile, sums + block * 32);
    }
  }

  HWY_INLINE void flush() const {
    const OutputPass& output = pass.output;
    if (output.sums != nullptr) flush_sums(output.blocks, sums, output.sums, output.squares);
  }
};

void one_by_one(const OneByOnePass& pass) {
  const int64_t sums = pass.output.blocks * 32;
  auto* scratch = reinterpret_cast<float*>(pass.scratch);
  for (int64_t i = 0; i < sums; ++i) scratch[i] = 0;
  const bool streamed = streams(pass);
  each_tile(pass.x.pixels,
            OneByOne{pass, scratch, reinterpret_cast<uint16_t*>(scratch + sums), streamed});
  if (streamed) hwy::FlushStream();
}
#else
void one_by_one(const OneByOnePass&) {
  throw Error("ERR_INTERNAL", "one_by_one: expected a processor that multiplies bf16");
}
#endif

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {

HWY_EXPORT(one_by_one);

void run(const OneByOnePass& pass) { HWY_DYNAMIC_DISPATCH(one_by_one)(pass); }

size_t one_by_one_scratch(int64_t in_blocks, int64_t out_blocks) {
  return static_cast<size_t>(out_blocks * 32) * sizeof(float) +
         static_cast<size_t>(in_blocks * kTile * 16) * sizeof(uint16_t);
}

}  // namespace preresnet::cpu::passes
#endif
