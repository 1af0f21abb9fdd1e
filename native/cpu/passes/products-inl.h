// Sums over channels of some pixels and sixteen filters: products of f32, or of pairs of bf16 with
// bf16_products-inl.h. Compiled once per instruction set, by whoever includes it after
// hwy/foreach_target.h.
#if defined(PRERESNET_CPU_PASSES_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PRERESNET_CPU_PASSES_PRODUCTS_INL_H_
#undef PRERESNET_CPU_PASSES_PRODUCTS_INL_H_
#else
#define PRERESNET_CPU_PASSES_PRODUCTS_INL_H_
#endif

#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

/// sum[i] += weights[i] * the value at `x`.
HWY_INLINE void add_products(Sixteen& sum, const Sixteen& weights, const float* x) {
  sum = multiply_add(splat(*x), weights, sum);
}

/// How a pixel's channels lie: `count` times `lanes` of them, which begin `apart` elements after
/// each other.
struct Steps {
  int64_t count, apart, lanes;
};

/// sums[pixel][16] = the sums over all steps and lanes. x: pixels kPitch elements apart; of pitch
/// 16 all lanes are multiplied. weights: [steps][lanes][16] f32, [steps][lanes / 2][16][2] bf16.
template <int kPitch, class T, int kCount>
HWY_INLINE void multiply(const Steps& steps, const T* HWY_RESTRICT x, const T* HWY_RESTRICT weights,
                         Sixteen (&sums)[kCount]) {
  constexpr int kTogether = sizeof(float) / sizeof(T);
  HWY_UNROLL(16)
  for (int i = 0; i < kCount; ++i) sums[i] = zero();
  for (int64_t s = 0; s < steps.count; ++s, x += steps.apart) {
    const int64_t lanes = kPitch == 16 ? 16 : steps.lanes;
    for (int64_t c = 0; c < lanes; c += kTogether, weights += 16 * kTogether) {
      const Sixteen w = load(reinterpret_cast<const float*>(weights));
      HWY_UNROLL(16)
      for (int i = 0; i < kCount; ++i) add_products(sums[i], w, x + i * kPitch + c);
    }
  }
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
