// The one-dimensional transforms of F(4, 3), sixteen channels at a time, and their adjoints.
// Compiled once per instruction set, by whoever includes it after hwy/foreach_target.h.
#if defined(PRERESNET_CPU_WINOGRAD_POINTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PRERESNET_CPU_WINOGRAD_POINTS_INL_H_
#undef PRERESNET_CPU_WINOGRAD_POINTS_INL_H_
#else
#define PRERESNET_CPU_WINOGRAD_POINTS_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::winograd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr int kLanes = HWY_MIN(16, HWY_MAX_BYTES / 4);
/// Vectors that make up one block of 16 channels.
constexpr int kParts = 16 / kLanes;

// Interpolation points 0, +-kA, +-kB and infinity. Lavin and Gray take 1 and 2; these, exact in
// binary, keep the powers that the transforms multiply with nearer to each other, which leaves a
// third of the rounding error.
constexpr float kA = 0.625f, kB = 1.5f;
constexpr float kA2 = kA * kA, kB2 = kB * kB;
constexpr float kNormA = static_cast<float>(1 / (2.0 * kA2 * (kA2 - kB2)));
constexpr float kNormB = static_cast<float>(1 / (2.0 * kB2 * (kB2 - kA2)));
constexpr float kNorm0 = static_cast<float>(1 / (1.0 * kA2 * kB2));

// B^T d
HWY_INLINE void input_row(V d0, V d1, V d2, V d3, V d4, V d5, V* out) {
  const D d;
  const V a2 = hn::Set(d, kA2), b2 = hn::Set(d, kB2), product = hn::Set(d, kA2 * kB2);
  const V sum = hn::Set(d, kA2 + kB2);
  const V ta = hn::NegMulAdd(b2, d2, d4), ua = hn::Mul(hn::Set(d, kA), hn::NegMulAdd(b2, d1, d3));
  const V tb = hn::NegMulAdd(a2, d2, d4), ub = hn::Mul(hn::Set(d, kB), hn::NegMulAdd(a2, d1, d3));
  out[0] = hn::MulAdd(product, d0, hn::NegMulAdd(sum, d2, d4));
  out[1] = hn::Add(ta, ua);
  out[2] = hn::Sub(ta, ua);
  out[3] = hn::Add(tb, ub);
  out[4] = hn::Sub(tb, ub);
  out[5] = hn::MulAdd(product, d1, hn::NegMulAdd(sum, d3, d5));
}

// A^T m
HWY_INLINE void output_row(V m0, V m1, V m2, V m3, V m4, V m5, V* out) {
  const D d;
  const V a = hn::Add(m1, m2), b = hn::Sub(m1, m2), c = hn::Add(m3, m4), e = hn::Sub(m3, m4);
  out[0] = hn::Add(hn::Add(m0, a), c);
  out[1] = hn::MulAdd(hn::Set(d, kB), e, hn::Mul(hn::Set(d, kA), b));
  out[2] = hn::MulAdd(hn::Set(d, kB2), c, hn::Mul(hn::Set(d, kA2), a));
  out[3] = hn::MulAdd(hn::Set(d, kB2 * kB), e, hn::MulAdd(hn::Set(d, kA2 * kA), b, m5));
}

// A d: the adjoint of output_row
HWY_INLINE void gradient_row(V d0, V d1, V d2, V d3, V* out) {
  const D d;
  const V ta = hn::MulAdd(hn::Set(d, kA2), d2, d0);
  const V ua = hn::Mul(hn::Set(d, kA), hn::MulAdd(hn::Set(d, kA2), d3, d1));
  const V tb = hn::MulAdd(hn::Set(d, kB2), d2, d0);
  const V ub = hn::Mul(hn::Set(d, kB), hn::MulAdd(hn::Set(d, kB2), d3, d1));
  out[0] = d0;
  out[1] = hn::Add(ta, ua);
  out[2] = hn::Sub(ta, ua);
  out[3] = hn::Add(tb, ub);
  out[4] = hn::Sub(tb, ub);
  out[5] = d3;
}

// G g
HWY_INLINE void filter_row(V g0, V g1, V g2, V* out) {
  const D d;
  const V norm_a = hn::Set(d, kNormA), norm_b = hn::Set(d, kNormB);
  const V ta = hn::Mul(norm_a, hn::MulAdd(hn::Set(d, kA2), g2, g0));
  const V ua = hn::Mul(norm_a, hn::Mul(hn::Set(d, kA), g1));
  const V tb = hn::Mul(norm_b, hn::MulAdd(hn::Set(d, kB2), g2, g0));
  const V ub = hn::Mul(norm_b, hn::Mul(hn::Set(d, kB), g1));
  out[0] = hn::Mul(hn::Set(d, kNorm0), g0);
  out[1] = hn::Add(ta, ua);
  out[2] = hn::Sub(ta, ua);
  out[3] = hn::Add(tb, ub);
  out[4] = hn::Sub(tb, ub);
  out[5] = g2;
}

// G^T u: the adjoint of filter_row
HWY_INLINE void filter_gradient_row(V u0, V u1, V u2, V u3, V u4, V u5, V* out) {
  const D d;
  const V norm_a = hn::Set(d, kNormA), norm_b = hn::Set(d, kNormB);
  const V sa = hn::Mul(norm_a, hn::Add(u1, u2)), da = hn::Mul(norm_a, hn::Sub(u1, u2));
  const V sb = hn::Mul(norm_b, hn::Add(u3, u4)), db = hn::Mul(norm_b, hn::Sub(u3, u4));
  out[0] = hn::MulAdd(hn::Set(d, kNorm0), u0, hn::Add(sa, sb));
  out[1] = hn::MulAdd(hn::Set(d, kB), db, hn::Mul(hn::Set(d, kA), da));
  out[2] = hn::MulAdd(hn::Set(d, kB2), sb, hn::MulAdd(hn::Set(d, kA2), sa, u5));
}

}  // namespace preresnet::cpu::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
