// Products of pairs of bf16, summed in f32, where the processor has instructions for them. Compiled
// once per instruction set, by whoever includes it after hwy/foreach_target.h.
#if defined(PRERESNET_CPU_PASSES_BF16_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PRERESNET_CPU_PASSES_BF16_PRODUCTS_INL_H_
#undef PRERESNET_CPU_PASSES_BF16_PRODUCTS_INL_H_
#else
#define PRERESNET_CPU_PASSES_BF16_PRODUCTS_INL_H_
#endif

#include "cpu/passes/one_by_one.h"
#include "cpu/passes/products-inl.h"
#include "cpu/passes/steps-inl.h"

#undef PRERESNET_BF16_PRODUCTS
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
#define PRERESNET_BF16_PRODUCTS 1

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

/// sum[i] += the two products of pair i of `pairs` and the pair at `pair`.
HWY_INLINE void add_products(Sixteen& sum, const Sixteen& pairs, const uint16_t* pair) {
  using Word = uint32_t __attribute__((may_alias));
  asm("vdpbf16ps %2%{1to16%}, %1, %0"
      : "+v"(sum.part[0].raw)
      : "v"(pairs.part[0].raw), "m"(*reinterpret_cast<const Word*>(pair)));
}

HWY_INLINE Sixteen load_pairs(const uint16_t* from) {
  return load(reinterpret_cast<const float*>(from));
}

/// Sixteen pairs of what is bf16 already: (a[i], b[i]).
HWY_INLINE void store_pairs(const Sixteen& a, const Sixteen& b, uint16_t* to) {
  const Words words;
  const auto low = hn::ShiftRight<16>(hn::BitCast(words, a.part[0]));
  const auto pairs = hn::Or(low, hn::BitCast(words, b.part[0]));
  hn::StoreU(hn::BitCast(Floats(), pairs), Floats(), reinterpret_cast<float*>(to));
}

/// result[pixel][16] = the sums over all pairs of channels; tile: [blocks][kPixels][16], weights:
/// [blocks][8][16][2].
template <int kPixels>
HWY_INLINE void multiply_tile(const uint16_t* tile, int64_t blocks, const uint16_t* weights,
                              Sixteen (&result)[kPixels]) {
  multiply<16>({.count = blocks, .apart = kPixels * 16, .lanes = 16}, tile, weights, result);
}

/// All pixels of an image, in tiles and chunks of which sums are kept in f32: calls
/// pass.tile<pixels>(first), and pass.flush() after each chunk.
template <class Pass>
HWY_INLINE void each_tile(int64_t pixels, const Pass& pass) {
  for (int64_t first = 0; first < pixels;) {
    const int64_t end = HWY_MIN(first + kPixelsInFloat, pixels);
    for (; first + kTile <= end; first += kTile) pass.template tile<kTile>(first);
    for (; first + 4 <= end; first += 4) pass.template tile<4>(first);
    for (; first < end; ++first) pass.template tile<1>(first);
    pass.flush();
  }
}

/// Sums of a tile to those of an image's chunk, [values, products][16].
HWY_INLINE void add_sums(const Sums& of_tile, float* sums) {
  store(add(load(sums), of_tile.values), sums);
  store(add(load(sums + 16), of_tile.products), sums + 16);
}

/// To the sums in double; those in f32 begin anew.
HWY_INLINE void flush_sums(int64_t blocks, float* from, double* sums, double* products) {
  for (int64_t block = 0; block < blocks; ++block, from += 32) {
    add_to(load(from), sums + block * 16);
    add_to(load(from + 16), products + block * 16);
    store(zero(), from);
    store(zero(), from + 16);
  }
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif
