// Chooses the instance of a pass for the types of its tensors. Compiled once per instruction set,
// by whoever includes it after hwy/foreach_target.h.
#if defined(PRERESNET_CPU_PASSES_KINDS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PRERESNET_CPU_PASSES_KINDS_INL_H_
#undef PRERESNET_CPU_PASSES_KINDS_INL_H_
#else
#define PRERESNET_CPU_PASSES_KINDS_INL_H_
#endif

#include <type_traits>

#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

/// For processors without AVX2 (before 2013) one instance serves all types, somewhat slower: each
/// takes seconds to compile. Versions of Highway that have no HWY_SSE2 run plain loops there.
#if HWY_TARGET == HWY_SSE2 || HWY_TARGET == HWY_SCALAR
constexpr bool kFewerKinds = true;
#else
constexpr bool kFewerKinds = false;
#endif

template <class Operand>
HWY_INLINE void note(const Operand& operand, bool& f32, bool& bf16) {
  if (operand.data == nullptr) return;
  (operand.bf16 ? bf16 : f32) = true;
}

/// Calls function(kind), a std::integral_constant, with the type that all operands have; those that
/// are absent (no data) do not count.
template <class Function, class... Operands>
HWY_INLINE void with_kind(Function&& function, const Operands&... operands) {
  bool f32 = false, bf16 = false;
  (note(operands, f32, bf16), ...);
  if constexpr (!kFewerKinds) {
    if (!bf16) return function(std::integral_constant<Kind, Kind::f32>());
    if (!f32) return function(std::integral_constant<Kind, Kind::bf16>());
  }
  function(std::integral_constant<Kind, Kind::mixed>());
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
