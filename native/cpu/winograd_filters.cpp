#include <algorithm>
#include <cmath>

#include "cpu/passes/targets.h"
#include "cpu/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/winograd_filters.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/winograd_points-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::winograd::HWY_NAMESPACE {

/// The exponent of the power of two that brings the transform of these weights below 2^15. The
/// transform makes nothing larger than twice the largest of them.
HWY_INLINE int half_exponent(const float* w, size_t weights) {
  float largest = 0;
  for (size_t k = 0; k < weights; ++k) largest = std::max(largest, std::abs(w[k]));
  if (!(largest > 0) || !std::isfinite(largest)) return 0;
  return std::clamp(13 - std::ilogb(largest), -120, 120);
}

/// Sixteen filters at a time, as they are.
struct PlainFilters {
  float* filter;
  HWY_INLINE void put(size_t at, int, V value) const { hn::Store(value, D(), filter + at); }
};

/// In fp16, multiplied by `factor`.
struct ScaledHalf {
  uint16_t* filter;
  const float* factor;
  HWY_INLINE void put(size_t at, int part, V value) const {
    const hn::Rebind<hwy::float16_t, D> half;
    const V scaled = hn::Mul(value, hn::Load(D(), factor + part));
    hn::Store(hn::DemoteTo(half, scaled), half, reinterpret_cast<hwy::float16_t*>(filter + at));
  }
};

template <class Filters>
HWY_INLINE void transform(const Geometry& g, int block, bool adjoint, const float* w,
                          const Filters& filters) {
  const D d;
  const size_t position = static_cast<size_t>(g.out_blocks) * g.in_blocks * 256;
  // w is [out][in] of the forward convolution: for the adjoint the pass's own out and in exchanged.
  const size_t out_step = adjoint ? 9 : static_cast<size_t>(g.in_blocks) * 16 * 9;
  const size_t in_step = adjoint ? static_cast<size_t>(g.out_blocks) * 16 * 9 : 9;
  HWY_ALIGN float taps[9][16];
  for (int in = 0; in < g.in_blocks * 16; ++in) {
    for (int lane = 0; lane < 16; ++lane) {
      const float* from = w + (static_cast<size_t>(block) * 16 + lane) * out_step + in * in_step;
      for (int tap = 0; tap < 9; ++tap) taps[tap][lane] = from[adjoint ? 8 - tap : tap];
    }
    const size_t to = (static_cast<size_t>(block) * g.in_blocks * 16 + in) * 16;
    for (int part = 0; part < 16; part += kLanes) {
      V s[6][3];
      for (int j = 0; j < 3; ++j) {
        V column[6];
        filter_row(hn::Load(d, taps[j] + part), hn::Load(d, taps[3 + j] + part),
                   hn::Load(d, taps[6 + j] + part), column);
        for (int i = 0; i < 6; ++i) s[i][j] = column[i];
      }
      for (int i = 0; i < 6; ++i) {
        V row[6];
        filter_row(s[i][0], s[i][1], s[i][2], row);
        for (int j = 0; j < 6; ++j) filters.put(to + (i * 6 + j) * position + part, part, row[j]);
      }
    }
  }
}

void TransformFilter(const Geometry& g, int block, bool adjoint, const float* w, float* filter) {
  transform(g, block, adjoint, w, PlainFilters{filter});
}

void TransformFilterToHalf(const Geometry& g, int block, const float* w, uint16_t* filter,
                           float* inverse) {
  HWY_ALIGN float factor[16];
  const size_t weights = static_cast<size_t>(g.in_blocks) * 16 * 9;
  for (int lane = 0; lane < 16; ++lane) {
    const float* from = w + (static_cast<size_t>(block) * 16 + lane) * weights;
    const int exponent = half_exponent(from, weights);
    factor[lane] = std::ldexp(1.0f, exponent);
    inverse[block * 16 + lane] = std::ldexp(1.0f, -exponent);
  }
  transform(g, block, false, w, ScaledHalf{filter, factor});
}

void FinishFilterGradient(const Geometry& g, int block, const float* gradient, float* dw) {
  const D d;
  const size_t position = static_cast<size_t>(g.out_blocks) * g.in_blocks * 256;
  const int in_channels = g.in_blocks * 16;
  HWY_ALIGN float taps[9][16];
  for (int in = 0; in < in_channels; ++in) {
    const float* from = gradient + (static_cast<size_t>(block) * in_channels + in) * 16;
    for (int part = 0; part < 16; part += kLanes) {
      V s[3][6];
      for (int j = 0; j < 6; ++j) {
        V u[6];
        for (int i = 0; i < 6; ++i) u[i] = hn::Load(d, from + (i * 6 + j) * position + part);
        V column[3];
        filter_gradient_row(u[0], u[1], u[2], u[3], u[4], u[5], column);
        for (int i = 0; i < 3; ++i) s[i][j] = column[i];
      }
      for (int i = 0; i < 3; ++i) {
        V row[3];
        filter_gradient_row(s[i][0], s[i][1], s[i][2], s[i][3], s[i][4], s[i][5], row);
        for (int j = 0; j < 3; ++j) hn::Store(row[j], d, taps[i * 3 + j] + part);
      }
    }
    for (int lane = 0; lane < 16; ++lane) {
      float* to = dw + ((static_cast<size_t>(block) * 16 + lane) * in_channels + in) * 9;
      for (int tap = 0; tap < 9; ++tap) to[tap] = taps[tap][lane];
    }
  }
}

}  // namespace preresnet::cpu::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::winograd {

HWY_EXPORT(TransformFilter);
HWY_EXPORT(TransformFilterToHalf);
HWY_EXPORT(FinishFilterGradient);

void transform_filter(const Geometry& g, int block, bool adjoint, const float* w, float* filter) {
  HWY_DYNAMIC_DISPATCH(TransformFilter)(g, block, adjoint, w, filter);
}
void transform_filter_to_half(const Geometry& g, int block, const float* w, void* packed) {
  const HalfFilters to(g, packed);
  HWY_DYNAMIC_DISPATCH(TransformFilterToHalf)
  (g, block, w, const_cast<uint16_t*>(to.values), const_cast<float*>(to.inverse));
}
void finish_filter_gradient(const Geometry& g, int block, const float* gradient, float* dw) {
  HWY_DYNAMIC_DISPATCH(FinishFilterGradient)(g, block, gradient, dw);
}

}  // namespace preresnet::cpu::winograd
#endif
