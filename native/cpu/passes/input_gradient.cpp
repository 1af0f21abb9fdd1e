#include "cpu/passes/input_gradient.h"

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/input_gradient.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/kinds-inl.h"
#include "cpu/passes/steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

template <Kind kind, bool constant, bool with_add, bool with_x>
struct InputGradientStep {
  InputGradientAt<kind> finish;
  const float* gradient;
  Sixteen same;
  int64_t begin;

  template <class Into>
  HWY_INLINE void operator()(int64_t pixel, Into& sums) {
    const int64_t i = begin + pixel * 16;
    Sixteen value = same;
    if constexpr (!constant) value = load(gradient + i);
    finish(value, i, with_add, with_x, sums);
  }
};

template <Kind kind, bool constant, bool with_add, bool with_x>
void input_gradient_of(const InputGradientPass& pass) {
  for (int64_t block = 0; block < pass.blocks; ++block) {
    const InputGradientStep<kind, constant, with_add, with_x> step{
        InputGradientAt<kind>(pass, block), pass.gradient,
        constant ? load(pass.per_channel + block * 16) : zero(), block * pass.pixels * 16};
    each_pixel(pass.pixels, step, from_channel(pass.sums, block * 16),
               from_channel(pass.products, block * 16));
  }
}

template <Kind kind>
void input_gradient_as(const InputGradientPass& pass) {
  const bool has_add = pass.add.data != nullptr;
  const bool with_x = reads_x(pass);
  if (pass.per_channel != nullptr) {
    return with_x ? input_gradient_of<kind, true, false, true>(pass)
                  : input_gradient_of<kind, true, false, false>(pass);
  }
  if (has_add) {
    return with_x ? input_gradient_of<kind, false, true, true>(pass)
                  : input_gradient_of<kind, false, true, false>(pass);
  }
  return with_x ? input_gradient_of<kind, false, false, true>(pass)
                : input_gradient_of<kind, false, false, false>(pass);
}

void input_gradient(const InputGradientPass& pass) {
  with_kind([&](auto kind) { input_gradient_as<kind()>(pass); }, pass.add, pass.x, pass.dx);
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(input_gradient);
void run(const InputGradientPass& pass) { HWY_DYNAMIC_DISPATCH(input_gradient)(pass); }
}  // namespace preresnet::cpu::passes
#endif
