#include "cpu/passes/bf16_products.h"

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/bf16_products.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/bf16_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

bool can() {
#ifdef PRERESNET_BF16_PRODUCTS
  return true;
#else
  return false;
#endif
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(can);
bool has_bf16_products() { return HWY_DYNAMIC_DISPATCH(can)(); }
}  // namespace preresnet::cpu::passes
#endif
