#include "program/program.h"

#include <variant>

namespace preresnet {

std::string describe(size_t index, const ProgramOperation& operation) {
  return "operation " + std::to_string(index) + " " + operation.op + " " + operation.name;
}

namespace {

struct Collect {
  std::vector<Operand>* operands;

  void operator()(const ops::OperandContract& contract, const Tensor* tensor) const {
    if (tensor != nullptr) operands->push_back({&contract, tensor});
  }
  void operator()(const ops::OperandContract& contract,
                  const std::vector<const Tensor*>& tensors) const {
    for (const Tensor* tensor : tensors) operands->push_back({&contract, tensor});
  }
};

}  // namespace

std::vector<Operand> operands_of(const ops::AnyOperation& any) {
  std::vector<Operand> operands;
  std::visit(
      [&](const auto& operation) {
        std::decay_t<decltype(operation)>::each_operand(operation, Collect{&operands});
      },
      any);
  return operands;
}

std::unordered_set<const Tensor*> views_of(const ProgramSet& set) {
  std::unordered_set<const Tensor*> result;
  for (const auto& [name, program] : set.programs) {
    for (const ProgramOperation& operation : program.operations) {
      for (const Operand& operand : operands_of(operation.operation)) {
        if (operand.contract->view) result.insert(operand.tensor);
      }
    }
  }
  return result;
}

}  // namespace preresnet
