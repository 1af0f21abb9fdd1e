#include "cpu/passes/pool.h"

#include <limits>

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/pool.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/kinds-inl.h"
#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

/// The positions of one window that lie inside the image.
struct Window {
  int64_t top, bottom, left, right, width;

  HWY_INLINE Window(const PoolWindow& w, int64_t p, int64_t q)
      : top(HWY_MAX(p * w.stride - w.padding, 0)),
        bottom(HWY_MIN(p * w.stride - w.padding + w.kernel, w.height)),
        left(HWY_MAX(q * w.stride - w.padding, 0)),
        right(HWY_MIN(q * w.stride - w.padding + w.kernel, w.width)),
        width(w.width) {}
};

template <Kind kind>
HWY_INLINE Sixteen maximum(const Source& x, const Transform& t, int64_t begin,
                           const Window& window) {
  Sixteen largest = splat(-std::numeric_limits<float>::infinity());
  for (int64_t h = window.top; h < window.bottom; ++h) {
    for (int64_t w = window.left; w < window.right; ++w) {
      largest = larger(largest, t(read<kind>(x, begin + (h * window.width + w) * 16)));
    }
  }
  return largest;
}

/// What one window becomes, by the kind of pooling.
template <Kind kind>
HWY_INLINE Sixteen pooled(const PoolPass& pass, const Transform& t, int64_t begin,
                          const Window& window) {
  return maximum<kind>(pass.x, t, begin, window);
}

HWY_INLINE Sixteen share_of(const PoolWindow& window) {
  return splat(1.0f / static_cast<float>(window.kernel * window.kernel));
}

template <Kind kind>
HWY_INLINE Sixteen pooled(const AveragePoolPass& pass, const Transform& t, int64_t begin,
                          const Window& window) {
  Sixteen sum = zero();
  for (int64_t h = window.top; h < window.bottom; ++h) {
    for (int64_t w = window.left; w < window.right; ++w) {
      sum = add(sum, t(read<kind>(pass.x, begin + (h * window.width + w) * 16)));
    }
  }
  return multiply(sum, share_of(pass.window));
}

template <Kind kind, class Pass>
struct PoolStep {
  const Pass& pass;
  Transform t;
  int64_t x_begin, y_begin;
  int64_t p = 0, q = 0;

  template <class Into>
  HWY_INLINE void operator()(int64_t pixel, Into& sums) {
    const Sixteen value = pooled<kind>(pass, t, x_begin, Window(pass.window, p, q));
    if (++q == pass.window.out_width) {
      q = 0;
      ++p;
    }
    const Sixteen stored = write<kind>(pass.y, y_begin + pixel * 16, value);
    sums.add(stored, stored);
  }
};

template <Kind kind, class Pass>
void pool_as(const Pass& pass) {
  const PoolWindow& w = pass.window;
  const int64_t pixels = w.out_height * w.out_width;
  const PoolStep<kind, Pass> step{pass,
                                  transform_of(pass.scale, pass.bias, pass.relu, pass.block * 16),
                                  pass.block * w.height * w.width * 16, pass.block * pixels * 16};
  each_pixel(pixels, step, pass.sums, pass.squares);
}

template <class Pass>
void pool_any(const Pass& pass) {
  with_kind([&](auto kind) { pool_as<kind()>(pass); }, pass.x, pass.y);
}

void pool(const PoolPass& pass) { pool_any(pass); }
void average_pool(const AveragePoolPass& pass) { pool_any(pass); }

template <Kind kind>
HWY_INLINE void give(const PoolGradientPass& pass, const Transform& t, int64_t begin,
                     const Window& window, const Sixteen& dy) {
  const Sixteen largest = maximum<kind>(pass.x, t, begin, window);
  Sixteen remaining = dy;  // zero in the lanes whose maximum has been found
  const Float none = hn::Zero(Floats());
  for (int64_t h = window.top; h < window.bottom; ++h) {
    for (int64_t w = window.left; w < window.right; ++w) {
      const int64_t offset = (h * window.width + w) * 16;
      const Sixteen value = t(read<kind>(pass.x, begin + offset));
      for (int i = 0; i < kParts; ++i) {
        float* to = pass.gradient + offset + i * kLanes;
        const auto first = hn::Eq(value.part[i], largest.part[i]);
        const Float given = hn::IfThenElseZero(first, remaining.part[i]);
        remaining.part[i] = hn::IfThenElse(first, none, remaining.part[i]);
        hn::StoreU(hn::Add(hn::LoadU(Floats(), to), given), Floats(), to);
      }
    }
  }
}

template <Kind kind>
void pool_gradient_as(const PoolGradientPass& pass) {
  const PoolWindow& w = pass.window;
  const int64_t begin = pass.block * w.height * w.width * 16;
  const Transform t = transform_of(pass.scale, pass.bias, pass.relu, pass.block * 16);
  for (int64_t i = 0; i < w.height * w.width; ++i) store(zero(), pass.gradient + i * 16);
  int64_t at = pass.block * w.out_height * w.out_width * 16;
  for (int64_t p = 0; p < w.out_height; ++p) {
    for (int64_t q = 0; q < w.out_width; ++q, at += 16) {
      give<kind>(pass, t, begin, Window(w, p, q), read<kind>(pass.dy, at));
    }
  }
}

void pool_gradient(const PoolGradientPass& pass) {
  with_kind([&](auto kind) { pool_gradient_as<kind()>(pass); }, pass.x, pass.dy);
}

template <Kind kind>
void average_pool_gradient_as(const AveragePoolGradientPass& pass) {
  const PoolWindow& w = pass.window;
  for (int64_t i = 0; i < w.height * w.width; ++i) store(zero(), pass.gradient + i * 16);
  const Sixteen share = share_of(w);
  int64_t at = pass.block * w.out_height * w.out_width * 16;
  for (int64_t p = 0; p < w.out_height; ++p) {
    for (int64_t q = 0; q < w.out_width; ++q, at += 16) {
      const Sixteen part = multiply(read<kind>(pass.dy, at), share);
      const Window window(w, p, q);
      for (int64_t h = window.top; h < window.bottom; ++h) {
        for (int64_t i = window.left; i < window.right; ++i) {
          float* to = pass.gradient + (h * w.width + i) * 16;
          store(add(load(to), part), to);
        }
      }
    }
  }
}

void average_pool_gradient(const AveragePoolGradientPass& pass) {
  if (pass.dy.bf16) return average_pool_gradient_as<Kind::bf16>(pass);
  average_pool_gradient_as<Kind::f32>(pass);
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(pool);
HWY_EXPORT(average_pool);
HWY_EXPORT(pool_gradient);
HWY_EXPORT(average_pool_gradient);
void run(const PoolPass& pass) { HWY_DYNAMIC_DISPATCH(pool)(pass); }
void run(const AveragePoolPass& pass) { HWY_DYNAMIC_DISPATCH(average_pool)(pass); }
void run(const AveragePoolGradientPass& pass) { HWY_DYNAMIC_DISPATCH(average_pool_gradient)(pass); }
void run(const PoolGradientPass& pass) { HWY_DYNAMIC_DISPATCH(pool_gradient)(pass); }
}  // namespace preresnet::cpu::passes
#endif
