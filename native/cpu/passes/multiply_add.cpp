#include "cpu/passes/multiply_add.h"

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/multiply_add.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

MultiplyAdds multiply_adds_on(int64_t rounds, float* sink) {
  const Floats d;
  // Enough chains that none waits for the one before, few enough for sixteen registers.
  constexpr int kChains = 12;
  Float chain[kChains];
  const Float factor = hn::Set(d, 0.999f), term = hn::Set(d, 0.001f);
  for (int i = 0; i < kChains; ++i) chain[i] = hn::Set(d, static_cast<float>(i));
  for (int64_t round = 0; round < rounds; ++round) {
    HWY_UNROLL(12)
    for (int i = 0; i < kChains; ++i) chain[i] = hn::MulAdd(chain[i], factor, term);
  }
  Float sum = chain[0];
  for (int i = 1; i < kChains; ++i) sum = hn::Add(sum, chain[i]);
  *sink = hn::GetLane(hn::SumOfLanes(d, sum));
  return {2.0 * kChains * kLanes * static_cast<double>(rounds), hwy::TargetName(HWY_TARGET)};
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(multiply_adds_on);
MultiplyAdds multiply_adds(int64_t rounds, float* sink) {
  return HWY_DYNAMIC_DISPATCH(multiply_adds_on)(rounds, sink);
}
}  // namespace preresnet::cpu::passes
#endif
