// Chooses the instance of a pass for the types of its tensors.
#pragma once

/// For processors without AVX2 (before 2013) one instance serves all types, somewhat slower: each
/// takes seconds to compile. To be asked for the instruction set that is being compiled.
#define PRERESNET_FEWER_KINDS (HWY_TARGET == HWY_SSE2)

namespace preresnet::cpu::passes {

/// 0: all f32; 1: all bf16; 2: mixed. Tensors that are absent (no data) do not count.
template <class Operand>
inline void note(const Operand& operand, bool& f32, bool& bf16) {
  if (operand.data == nullptr) return;
  (operand.bf16 ? bf16 : f32) = true;
}
template <class... Operands>
inline int kind_of(const Operands&... operands) {
  bool f32 = false, bf16 = false;
  (note(operands, f32, bf16), ...);
  return f32 && bf16 ? 2 : bf16 ? 1 : 0;
}

}  // namespace preresnet::cpu::passes
