#include "cpu/passes/input_gradient.h"

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/input_gradient.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/kinds.h"
#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

template <Kind kind, bool constant, bool has_add, bool reads_x>
struct InputGradientStep {
  const float* gradient;
  Sixteen same;
  Source addend, x;
  Transform t;
  bool mask;
  Target dx;
  int64_t begin;

  template <class Into>
  HWY_INLINE void operator()(int64_t pixel, Into& sums) {
    const int64_t i = begin + pixel * 16;
    Sixteen value = same;
    if constexpr (!constant) value = load(gradient + i);
    if constexpr (has_add) value = add(value, read<kind>(addend, i));
    Sixteen raw = value;
    if constexpr (reads_x) {
      raw = read<kind>(x, i);
      if (mask) value = where_positive(t(raw), value);
    }
    sums.add(write<kind>(dx, i, value), raw);
  }
};

template <Kind kind, bool constant, bool has_add, bool reads_x>
void input_gradient_of(const InputGradientPass& pass) {
  for (int64_t block = 0; block < pass.blocks; ++block) {
    const InputGradientStep<kind, constant, has_add, reads_x> step{
        pass.gradient,
        constant ? load(pass.per_channel + block * 16) : zero(),
        pass.add,
        pass.x,
        transform_of(pass.scale, pass.bias, false, block * 16),
        pass.mask,
        pass.dx,
        block * pass.pixels * 16};
    each_pixel(pass.pixels, step, from_channel(pass.sums, block * 16),
               from_channel(pass.products, block * 16));
  }
}

template <Kind kind>
void input_gradient_as(const InputGradientPass& pass) {
  const bool has_add = pass.add.data != nullptr;
  const bool reads_x = pass.mask || pass.sums != nullptr;
  if (pass.per_channel != nullptr) {
    return reads_x ? input_gradient_of<kind, true, false, true>(pass)
                   : input_gradient_of<kind, true, false, false>(pass);
  }
  if (has_add) {
    return reads_x ? input_gradient_of<kind, false, true, true>(pass)
                   : input_gradient_of<kind, false, true, false>(pass);
  }
  return reads_x ? input_gradient_of<kind, false, false, true>(pass)
                 : input_gradient_of<kind, false, false, false>(pass);
}

void input_gradient(const InputGradientPass& pass) {
  switch (kind_of(pass.add, pass.x, pass.dx)) {
    case 0:
      return input_gradient_as<Kind::f32>(pass);
    case 1:
      return input_gradient_as<Kind::bf16>(pass);
    default:
      return input_gradient_as<Kind::mixed>(pass);
  }
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(input_gradient);
void run(const InputGradientPass& pass) { HWY_DYNAMIC_DISPATCH(input_gradient)(pass); }
}  // namespace preresnet::cpu::passes
#endif
