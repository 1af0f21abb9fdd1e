#include "cpu/passes/gradient.h"

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/gradient.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/kinds-inl.h"
#include "cpu/passes/steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

template <Kind kind, bool with_y, bool with_skip>
struct GradientStep {
  GradientAt<kind> gradient;
  Destination scratch;
  int64_t begin;

  template <class Into>
  HWY_INLINE void operator()(int64_t pixel, Into& sums) {
    const int64_t i = begin + pixel * 16;
    const Sixteen value = gradient(i, with_y, with_skip);
    if (scratch.data != nullptr) write<Kind::mixed>(scratch, i, value);
    sums.add(value, value);
  }
};

template <Kind kind, bool with_y, bool with_skip>
void gradient_of(const GradientPass& pass) {
  for (int64_t block = 0; block < pass.blocks; ++block) {
    const GradientStep<kind, with_y, with_skip> step{GradientAt<kind>(pass, block), pass.scratch,
                                                     block * pass.pixels * 16};
    each_pixel(pass.pixels, step, from_channel(pass.sums, block * 16), nullptr);
  }
}

template <Kind kind>
void gradient_as(const GradientPass& pass) {
  if (has_y(pass)) {
    return has_skip(pass) ? gradient_of<kind, true, true>(pass)
                          : gradient_of<kind, true, false>(pass);
  }
  return has_skip(pass) ? gradient_of<kind, false, true>(pass)
                        : gradient_of<kind, false, false>(pass);
}

void gradient(const GradientPass& pass) {
  with_kind([&](auto kind) { gradient_as<kind()>(pass); }, pass.d, pass.y, pass.skip, pass.stored);
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(gradient);
void run(const GradientPass& pass) { HWY_DYNAMIC_DISPATCH(gradient)(pass); }
}  // namespace preresnet::cpu::passes
#endif
