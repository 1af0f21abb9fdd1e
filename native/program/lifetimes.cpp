#include "program/lifetimes.h"

#include <unordered_map>
#include <unordered_set>

#include "core/error.h"

namespace preresnet {

std::vector<Lifetime> lifetimes(const Program& program) {
  std::vector<Lifetime> result;
  std::unordered_map<const Tensor*, size_t> indices;  // in result
  for (size_t index = 0; index < program.operations.size(); ++index) {
    const ProgramOperation& operation = program.operations[index];
    const std::vector<Operand> operands = operands_of(operation.operation);
    // What an operation reads must be there before it; so reads are looked at before its own
    // writes.
    for (const Operand& operand : operands) {
      if (operand.tensor->arena != kTransientArena || operand.contract->role == ops::Role::out)
        continue;
      const auto entry = indices.find(operand.tensor);
      if (entry == indices.end()) {
        throw Error("ERR_PROGRAM",
                    "program " + program.name + ": " + describe(index, operation) + ": expected " +
                        operand.contract->name + " (" + operand.tensor->name +
                        ") to be written by an earlier operation, got none that does");
      }
      result[entry->second].last = index;
    }
    for (const Operand& operand : operands) {
      if (operand.tensor->arena != kTransientArena || operand.contract->role == ops::Role::in)
        continue;
      const auto [entry, added] = indices.try_emplace(operand.tensor, result.size());
      if (added) {
        result.push_back({operand.tensor, index, index});
      } else {
        result[entry->second].last = index;
      }
    }
  }
  return result;
}

std::vector<Lifetime> gradient_lifetimes(const Program& program) {
  std::vector<Lifetime> result;
  std::unordered_set<const Tensor*> known;
  for (size_t index = 0; index < program.operations.size(); ++index) {
    for (const Operand& operand : operands_of(program.operations[index].operation)) {
      // A row of all of them is no gradient of its own.
      const bool written = operand.contract->role != ops::Role::in && !operand.contract->view;
      if (!written || operand.tensor->arena != kGradientArena) continue;
      if (known.insert(operand.tensor).second) {
        result.push_back({operand.tensor, index, program.operations.size() - 1});
      }
    }
  }
  return result;
}

std::vector<const Tensor*> results_of(const Program& program) {
  std::vector<const Tensor*> results;
  for (const ProgramOperation& operation : program.operations) {
    for (const Operand& operand : operands_of(operation.operation)) {
      const bool written = operand.contract->role == ops::Role::out;
      if (written && operand.tensor->arena == "outputs") results.push_back(operand.tensor);
    }
  }
  return results;
}

}  // namespace preresnet
