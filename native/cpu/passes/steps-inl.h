// What passes do to one sixteen, whether they go over an image or are part of a convolution.
// Compiled once per instruction set, by whoever includes it after hwy/foreach_target.h.
#if defined(PRERESNET_CPU_PASSES_STEPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PRERESNET_CPU_PASSES_STEPS_INL_H_
#undef PRERESNET_CPU_PASSES_STEPS_INL_H_
#else
#define PRERESNET_CPU_PASSES_STEPS_INL_H_
#endif

#include "cpu/passes/gradient.h"
#include "cpu/passes/input_gradient.h"
#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

/// Of an OutputPass: [ReLU](residual(result * scale + bias)).
template <class Residual>
HWY_INLINE Sixteen output_of(const Sixteen& result, const Sixteen& scale, const Sixteen& bias,
                             Residual&& residual, int64_t pixel, bool rectify) {
  const Sixteen value = residual(multiply_add(result, scale, bias), pixel);
  return rectify ? relu(value) : value;
}

/// A residual that has y's shape, or is read at other pixels, which the caller names, or is absent.
template <Kind kind>
struct MaybeResidual {
  Source source;  // of one block; no data: none
  Transform t;

  HWY_INLINE Sixteen operator()(const Sixteen& value, int64_t pixel) const {
    if (source.data == nullptr) return value;
    return add(value, t(read<kind>(source, pixel * 16)));
  }
};

/// Of a GradientPass, one block of channels: the gradient as others read it.
template <Kind kind>
struct GradientAt {
  Source d, y, skip;
  Sixteen a, b, c;
  Destination stored;

  HWY_INLINE GradientAt(const GradientPass& pass, int64_t block)
      : d(pass.d),
        y(pass.y),
        skip(pass.skip),
        a(load_or(pass.a, block * 16, 1)),
        b(load_or(pass.b, block * 16, 0)),
        c(load_or(pass.c, block * 16, 0)),
        stored(pass.stored) {}
  HWY_INLINE Sixteen operator()(int64_t i, bool has_y, bool has_skip) const {
    Sixteen value = c;
    if (has_y) value = multiply_add(read<kind>(y, i), b, value);
    value = multiply_add(read<kind>(d, i), a, value);
    if (has_skip) value = add(value, read<kind>(skip, i));
    return stored.data == nullptr ? value : write<kind>(stored, i, value);
  }
};
inline bool has_y(const GradientPass& pass) { return pass.y.data != nullptr && pass.b != nullptr; }
inline bool has_skip(const GradientPass& pass) { return pass.skip.data != nullptr; }

/// Of an InputGradientPass, one block of channels: what becomes of a gradient, and its sums.
template <Kind kind>
struct InputGradientAt {
  Source addend, x;
  Transform t;
  bool mask;
  Destination dx;

  HWY_INLINE InputGradientAt(const InputGradientPass& pass, int64_t block)
      : addend(pass.add),
        x(pass.x),
        t(transform_of(pass.scale, pass.bias, false, block * 16)),
        mask(pass.mask),
        dx(pass.dx) {}
  template <class Into>
  HWY_INLINE void operator()(Sixteen value, int64_t i, bool has_add, bool reads_x,
                             Into& sums) const {
    if (has_add) value = add(value, read<kind>(addend, i));
    Sixteen raw = value;
    if (reads_x) {
      raw = read<kind>(x, i);
      if (mask) value = where_positive(t(raw), value);
    }
    sums.add(write<kind>(dx, i, value), raw);
  }
};
inline bool reads_x(const InputGradientPass& pass) { return pass.mask || pass.sums != nullptr; }

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
