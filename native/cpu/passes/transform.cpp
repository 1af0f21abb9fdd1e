#include "cpu/passes/transform.h"

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/transform.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

template <Kind in, Kind out>
void transform_as(const TransformPass& pass) {
  for (int64_t block = 0; block < pass.blocks; ++block) {
    const Transform t = transform_of(pass.scale, pass.bias, pass.relu, block * 16);
    const int64_t begin = block * pass.pixels * 16, end = begin + pass.pixels * 16;
    for (int64_t i = begin; i < end; i += 16) write<out>(pass.out, i, t(read<in>(pass.x, i)));
  }
}

template <Kind in>
void transform_from(const TransformPass& pass) {
  pass.out.bf16 ? transform_as<in, Kind::bf16>(pass) : transform_as<in, Kind::f32>(pass);
}

void transform(const TransformPass& pass) {
  pass.x.bf16 ? transform_from<Kind::bf16>(pass) : transform_from<Kind::f32>(pass);
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(transform);
void run(const TransformPass& pass) { HWY_DYNAMIC_DISPATCH(transform)(pass); }
}  // namespace preresnet::cpu::passes
#endif
