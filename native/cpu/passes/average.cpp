#include "cpu/passes/average.h"

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/average.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

template <Kind kind>
struct AverageStep {
  Source x;
  Transform t;
  int64_t begin;

  template <class Into>
  HWY_INLINE void operator()(int64_t pixel, Into& sums) const {
    const Sixteen value = t(read<kind>(x, begin + pixel * 16));
    sums.add(value, value);
  }
};

template <Kind kind>
void average_as(const AveragePass& pass) {
  for (int64_t block = 0; block < pass.blocks; ++block) {
    const AverageStep<kind> step{pass.x, transform_of(pass.scale, pass.bias, pass.relu, block * 16),
                                 block * pass.pixels * 16};
    accumulate(pass.pixels, step, pass.sums + block * 16, nullptr);
  }
}

void average(const AveragePass& pass) {
  pass.x.bf16 ? average_as<Kind::bf16>(pass) : average_as<Kind::f32>(pass);
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(average);
void run(const AveragePass& pass) { HWY_DYNAMIC_DISPATCH(average)(pass); }
}  // namespace preresnet::cpu::passes
#endif
