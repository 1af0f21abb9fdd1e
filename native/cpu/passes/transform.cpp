#include "cpu/passes/transform.h"

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/transform.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/kinds.h"
#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

template <Kind kind>
void transform_as(const TransformPass& pass) {
  for (int64_t block = 0; block < pass.blocks; ++block) {
    const Transform t = transform_of(pass.scale, pass.bias, pass.relu, block * 16);
    const int64_t begin = block * pass.pixels * 16, end = begin + pass.pixels * 16;
    for (int64_t i = begin; i < end; i += 16) store(t(read<kind>(pass.x, i)), pass.out + i);
  }
}

void transform(const TransformPass& pass) {
  pass.x.bf16 ? transform_as<Kind::bf16>(pass) : transform_as<Kind::f32>(pass);
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(transform);
void run(const TransformPass& pass) { HWY_DYNAMIC_DISPATCH(transform)(pass); }
}  // namespace preresnet::cpu::passes
#endif
