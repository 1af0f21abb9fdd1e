#include "program/not_finite.h"

namespace preresnet {

std::string first_not_finite(const Program& program, size_t until,
                             const std::function<void(size_t operation)>& run,
                             const std::function<bool(const Tensor&)>& finite) {
  for (size_t index = 0; index < until; ++index) {
    const ProgramOperation& operation = program.operations[index];
    const std::vector<Operand> operands = operands_of(operation.operation);
    const auto named = [](const Operand& operand) {
      return std::string(operand.contract->name) + " (" + operand.tensor->name + ")";
    };
    for (const Operand& operand : operands) {
      // Between and beyond what was written so far a row of all gradients holds anything.
      if (operand.contract->view && operand.tensor->arena == kGradientArena) continue;
      if (operand.contract->role != ops::Role::out && !finite(*operand.tensor)) {
        return "first seen in " + describe(index, operation) + ", whose " + named(operand) +
               " was not finite before it ran";
      }
    }
    run(index);
    for (const Operand& operand : operands) {
      if (operand.contract->role != ops::Role::in && !finite(*operand.tensor)) {
        return "first made by " + describe(index, operation) + " in " + named(operand);
      }
    }
  }
  return "no operation before it made such a value";
}

}  // namespace preresnet
