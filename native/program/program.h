// A set of programs as the compiler hands it over (lib/compiler/program.ts), read from JSON.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/tensor.h"
#include "ops/operations.h"

namespace preresnet {

/// The one arena in which tensors share memory by lifetimes; all others keep their contents between
/// runs, the gradients only where they do not lie in this one (gradients_at).
inline constexpr std::string_view kTransientArena = "activations";
inline constexpr std::string_view kGradientArena = "gradients";

enum class Phase : uint8_t { forward, loss, backward, update };

struct ProgramOperation {
  std::string op;
  std::string name;  // of the layer, for people
  Phase phase = Phase::forward;
  ops::AnyOperation operation;
};

struct Program {
  std::string name;
  int64_t batch = 0;
  std::vector<ProgramOperation> operations;
};

struct ProgramSet {
  std::string network;
  std::string device;
  std::string precision;
  std::map<std::string, size_t, std::less<>> arenas;  // bytes
  std::optional<size_t> gradients_at;  // where the gradients lie in the transient arena, if there
  std::vector<Tensor> tensors;         // never grows: operations point into it
  std::map<std::string, Program, std::less<>> programs;

  ProgramSet() = default;
  ProgramSet(const ProgramSet&) = delete;
  ProgramSet& operator=(const ProgramSet&) = delete;
};

/// Reads the JSON strictly: an unknown key, operation, operand or attribute, a wrong type and a
/// missing entry are ERR_PROGRAM. What the values mean is verify()'s business (program/verify.h).
std::unique_ptr<ProgramSet> read_programs(std::string_view json);

/// "operation 12 conv stages.0.blocks.1.conv2", as errors name it.
std::string describe(size_t index, const ProgramOperation&);

/// One operand of an operation, whatever its type.
struct Operand {
  const ops::OperandContract* contract;
  const Tensor* tensor;
};
/// All operands that are present, lists spread out, in the contract's order.
std::vector<Operand> operands_of(const ops::AnyOperation&);
/// Tensors that some operation takes as the whole of an arena; they lie over others.
std::unordered_set<const Tensor*> views_of(const ProgramSet&);

}  // namespace preresnet
