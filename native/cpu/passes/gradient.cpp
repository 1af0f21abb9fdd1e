#include "cpu/passes/gradient.h"

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/gradient.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/kinds.h"
#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

template <Kind kind, bool has_y, bool has_skip>
struct GradientStep {
  Source d, y, skip;
  Sixteen a, b, c;
  Target stored;
  Target scratch;
  int64_t begin;

  template <class Into>
  HWY_INLINE void operator()(int64_t pixel, Into& sums) {
    const int64_t i = begin + pixel * 16;
    Sixteen value = c;
    if constexpr (has_y) value = multiply_add(read<kind>(y, i), b, value);
    value = multiply_add(read<kind>(d, i), a, value);
    if constexpr (has_skip) value = add(value, read<kind>(skip, i));
    if (stored.data != nullptr) value = write<kind>(stored, i, value);
    if (scratch.data != nullptr) write<Kind::mixed>(scratch, i, value);
    sums.add(value, value);
  }
};

template <Kind kind, bool has_y, bool has_skip>
void gradient_of(const GradientPass& pass) {
  for (int64_t block = 0; block < pass.blocks; ++block) {
    const GradientStep<kind, has_y, has_skip> step{pass.d,
                                                   pass.y,
                                                   pass.skip,
                                                   load_or(pass.a, block * 16, 1),
                                                   load_or(pass.b, block * 16, 0),
                                                   load_or(pass.c, block * 16, 0),
                                                   pass.stored,
                                                   pass.scratch,
                                                   block * pass.pixels * 16};
    each_pixel(pass.pixels, step, from_channel(pass.sums, block * 16), nullptr);
  }
}

template <Kind kind>
void gradient_as(const GradientPass& pass) {
  const bool has_y = pass.y.data != nullptr && pass.b != nullptr;
  const bool has_skip = pass.skip.data != nullptr;
  if (has_y)
    return has_skip ? gradient_of<kind, true, true>(pass) : gradient_of<kind, true, false>(pass);
  return has_skip ? gradient_of<kind, false, true>(pass) : gradient_of<kind, false, false>(pass);
}

void gradient(const GradientPass& pass) {
  switch (kind_of(pass.d, pass.y, pass.skip, pass.stored)) {
    case 0:
      return gradient_as<Kind::f32>(pass);
    case 1:
      return gradient_as<Kind::bf16>(pass);
    default:
      return gradient_as<Kind::mixed>(pass);
  }
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(gradient);
void run(const GradientPass& pass) { HWY_DYNAMIC_DISPATCH(gradient)(pass); }
}  // namespace preresnet::cpu::passes
#endif
