#include "program/shared_gradients.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_set>
#include <variant>

#include "core/error.h"
#include "program/arena.h"
#include "program/landmarks.h"
#include "program/refuse.h"

namespace preresnet {

namespace {

/// Whether a segment of the row lies in one of the gradients.
template <class Op>
bool is_written(const Op& op, size_t segment, const std::vector<Lifetime>& written) {
  const size_t element = size_of(op.gradients->dtype);
  const size_t begin = static_cast<size_t>(op.offsets[segment]) * element;
  const size_t end = begin + static_cast<size_t>(op.lengths[segment]) * element;
  return std::any_of(written.begin(), written.end(), [&](const Lifetime& gradient) {
    return begin >= gradient.tensor->offset &&
           end <= gradient.tensor->offset + gradient.tensor->bytes;
  });
}

template <class Op>
void check_segments(const std::string& where, const Op& op, const std::vector<Lifetime>& written) {
  for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
    if (is_written(op, segment, written)) continue;
    refuse_program(where, "expected segments that lie in gradients of the program, got segment " +
                              std::to_string(segment) + " at element " +
                              std::to_string(op.offsets[segment]));
  }
}

}  // namespace

void check_gradients_at(const ProgramSet& set) {
  if (!set.gradients_at) return;
  const auto whole = set.arenas.find(kTransientArena);
  const auto part = set.arenas.find(kGradientArena);
  const bool host = set.device == "reference" || set.device == "cpu";
  if (!host || whole == set.arenas.end() || part == set.arenas.end()) {
    refuse_program("gradientsAt", "expected a host with arenas gradients and activations, got " +
                                      set.device + (host ? " without" : ""));
  }
  if (*set.gradients_at % kPage != 0 || *set.gradients_at > whole->second ||
      part->second > whole->second - *set.gradients_at) {
    refuse_program("gradientsAt", "expected a multiple of 4096 that leaves " +
                                      std::to_string(part->second) + " of " +
                                      std::to_string(whole->second) + " bytes, got " +
                                      std::to_string(*set.gradients_at));
  }
}

void check_gradients_written(const ProgramSet& set, const Program& program,
                             const std::vector<Lifetime>& written) {
  const std::unordered_set<const Tensor*> over = views_of(set);
  const auto all = static_cast<size_t>(
      std::count_if(set.tensors.begin(), set.tensors.end(), [&](const Tensor& tensor) {
        return tensor.arena == kGradientArena && over.count(&tensor) == 0;
      }));
  for (size_t index = 0; index < program.operations.size(); ++index) {
    const ProgramOperation& operation = program.operations[index];
    for (const Operand& operand : operands_of(operation.operation)) {
      if (operand.tensor->arena != kGradientArena || operand.contract->role == ops::Role::out)
        continue;
      if (std::holds_alternative<ops::AllReduceBegin>(operation.operation)) continue;
      const auto before =
          std::count_if(written.begin(), written.end(),
                        [&](const Lifetime& lifetime) { return lifetime.first < index; });
      if (static_cast<size_t>(before) == all) continue;
      refuse_program("program " + program.name + ": " + describe(index, operation),
                     "expected all " + std::to_string(all) +
                         " gradients to be written before they are read, got " +
                         std::to_string(before));
    }
    const std::string where = "program " + program.name + ": " + describe(index, operation);
    if (const auto* accumulate = std::get_if<ops::Accumulate>(&operation.operation)) {
      check_segments(where, *accumulate, written);
    }
    if (const auto* begun = std::get_if<ops::AllReduceBegin>(&operation.operation)) {
      std::vector<Lifetime> before;
      std::copy_if(written.begin(), written.end(), std::back_inserter(before),
                   [&](const Lifetime& lifetime) { return lifetime.first < index; });
      check_segments(where, *begun, before);
    }
    if (const auto* all_reduce = std::get_if<ops::AllReduce>(&operation.operation)) {
      check_segments(where, *all_reduce, written);
    }
    if (const auto update = update_of(operation.operation)) {
      if (update->weight_gradients != nullptr) {
        refuse_program(where, "expected gradients in one arena, got some in weightGradients");
      }
      check_segments(where, *update, written);
    }
  }
  if (!written.empty() && written.size() != all) {
    refuse_program("program " + program.name, "expected all " + std::to_string(all) +
                                                  " gradients to be written, got " +
                                                  std::to_string(written.size()));
  }
}

}  // namespace preresnet
