#include "program/verify.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <sstream>
#include <unordered_set>

#include "core/error.h"
#include "program/formats.h"
#include "program/landmarks.h"
#include "program/laws.h"
#include "program/lifetimes.h"
#include "program/refuse.h"
#include "program/shared_gradients.h"

namespace preresnet {

namespace {

constexpr size_t kAlignment = 64;
constexpr std::array kArenas = {"parameters",   "compute",         "velocity",        "firstMoment",
                                "secondMoment", "gradients",       "weightGradients", "buffers",
                                "averages",     "averagedBuffers", "averagedCompute", "inputs",
                                "outputs",      "accumulation",    "activations"};

std::string show(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (const int64_t size : shape) text += (text.size() > 1 ? " " : "") + std::to_string(size);
  return text + "]";
}

std::string address(const Tensor& tensor) {
  return tensor.name + " (" + tensor.arena + " " + std::to_string(tensor.offset) + " to " +
         std::to_string(tensor.offset + tensor.bytes) + ")";
}

/// Whether two ranges of one arena meet.
bool meet(size_t a, size_t a_bytes, size_t b, size_t b_bytes) {
  return a < b + b_bytes && b < a + a_bytes;
}

bool overlap(const Tensor& a, const Tensor& b) {
  return a.arena == b.arena && meet(a.offset, a.bytes, b.offset, b.bytes);
}

// ---- arenas and tensors

void check_device(const ProgramSet& set) {
  const std::string wrong = wrong_device(set);
  if (!wrong.empty()) refuse_program("device", wrong);
}

void check_tensor(const ProgramSet& set, size_t index) {
  const Tensor& tensor = set.tensors[index];
  const std::string where = "tensor " + std::to_string(index) + " " + tensor.name;
  size_t bytes = 0;
  try {
    bytes = storage_bytes(tensor.dtype, tensor.layout, tensor.shape);
  } catch (const Error& error) {
    refuse_program(where, error.what());
  }
  if (tensor.bytes != bytes) {
    refuse_program(where, "expected " + std::to_string(bytes) + " bytes for " +
                              name_of(tensor.dtype) + " " + show(tensor.shape) + ", got " +
                              std::to_string(tensor.bytes));
  }
  const auto arena = set.arenas.find(tensor.arena);
  if (arena == set.arenas.end())
    refuse_program(where, "expected an arena of the set, got \"" + tensor.arena + "\"");
  if (tensor.offset % kAlignment != 0) {
    refuse_program(where,
                   "expected an offset that 64 divides, got " + std::to_string(tensor.offset));
  }
  if (tensor.offset > arena->second || tensor.bytes > arena->second - tensor.offset) {
    refuse_program(where, "expected an address inside of " + std::to_string(arena->second) +
                              " bytes, got " + address(tensor));
  }
  const std::string wrong = wrong_format(set, tensor);
  if (!wrong.empty()) refuse_program(where, wrong);
}

/// Tensors that keep their contents have a name and memory of their own; only views lie over
/// others.
void check_persistent(const ProgramSet& set) {
  const std::unordered_set<const Tensor*> over = views_of(set);
  std::map<std::string, std::vector<const Tensor*>> arenas;
  std::set<std::string> names;
  for (const Tensor& tensor : set.tensors) {
    if (tensor.arena == kTransientArena) continue;
    if (!names.insert(tensor.name).second) {
      refuse_program("tensor " + tensor.name,
                     "expected a name of its own, got that of another tensor");
    }
    if (over.count(&tensor) == 0) arenas[tensor.arena].push_back(&tensor);
  }
  for (auto& [arena, tensors] : arenas) {
    std::sort(tensors.begin(), tensors.end(),
              [](const Tensor* a, const Tensor* b) { return a->offset < b->offset; });
    for (size_t index = 1; index < tensors.size(); ++index) {
      if (overlap(*tensors[index - 1], *tensors[index])) {
        refuse_program("tensor " + tensors[index]->name, "expected memory of its own, got " +
                                                             address(*tensors[index]) + " over " +
                                                             address(*tensors[index - 1]));
      }
    }
  }
}

// ---- one operation

class OperationCheck {
 public:
  OperationCheck(const ProgramSet& set, std::string where, const ProgramOperation& operation)
      : set_(set),
        where_(std::move(where)),
        operation_(operation),
        operands_(operands_of(operation.operation)) {}

  void check() {
    for (const Operand& operand : operands_) check_operand(operand);
    if (size('G') != 0 && size('N') != 0 && size('N') % size('G') != 0) {
      refuse_program(where_, "expected groups that divide " + std::to_string(size('N')) +
                                 " images, got " + std::to_string(size('G')));
    }
    check_writes();
    const std::string broken = broken_law(operation_.operation);
    if (!broken.empty()) refuse_program(where_, broken);
  }

 private:
  int64_t& size(char symbol) { return sizes_[static_cast<size_t>(symbol - 'A')]; }

  [[noreturn]] void refuse_operand(const Operand& operand, const std::string& message) const {
    refuse_program(where_, std::string(operand.contract->name) + " (" + operand.tensor->name +
                               "): " + message);
  }

  void check_operand(const Operand& operand) {
    const Tensor& tensor = *operand.tensor;
    if (!ops::accepts(operand.contract->type, tensor.dtype)) {
      refuse_operand(operand, "expected another type, got " + std::string(name_of(tensor.dtype)));
    }
    const std::string wrong = wrong_format(set_, *operand.contract, tensor);
    if (!wrong.empty()) refuse_operand(operand, wrong);
    check_shape(operand);
    const bool transient = tensor.arena == kTransientArena;
    if (operand.contract->view) {
      const size_t arena = set_.arenas.find(tensor.arena)->second;
      if (transient || tensor.offset != 0 || arena - tensor.bytes >= kAlignment) {
        refuse_operand(operand, "expected the whole of an arena that keeps its contents, got " +
                                    address(tensor));
      }
    }
    // Labels and placements are looked at before a step; nothing may change them after.
    if (operand.contract->role != ops::Role::in && tensor.arena == "inputs") {
      refuse_operand(operand, "expected no operation to write inputs, got one that does");
    }
    const bool indices =
        operand.contract->type == ops::Type::integers && operand.contract->role == ops::Role::in;
    if (indices && tensor.arena != "inputs") {
      refuse_operand(operand, "expected arena inputs for indices, got " + tensor.arena);
    }
  }

  void check_shape(const Operand& operand) {
    const std::vector<int64_t>& shape = operand.tensor->shape;
    const auto mismatch = [&](const std::string& note) {
      refuse_operand(operand, "expected shape " + std::string(operand.contract->shape) + note +
                                  ", got " + show(shape));
    };
    std::istringstream symbols(operand.contract->shape);
    size_t axis = 0;
    for (std::string symbol; symbols >> symbol; ++axis) {
      if (axis >= shape.size()) mismatch("");
      const char first = symbol[0];
      if (first == '*') continue;
      const bool letter = first >= 'A' && first <= 'Z';
      if (letter && size(first) == 0) size(first) = shape[axis];
      const int64_t expected = letter ? size(first) : std::stoll(symbol);
      if (shape[axis] != expected) mismatch(" with " + symbol + " = " + std::to_string(expected));
    }
    if (axis != shape.size()) mismatch("");
  }

  /// What is written must lie apart from everything else that the operation touches.
  void check_writes() const {
    for (size_t written = 0; written < operands_.size(); ++written) {
      if (operands_[written].contract->role == ops::Role::in) continue;
      for (size_t other = 0; other < operands_.size(); ++other) {
        if (other == written || !overlap(*operands_[written].tensor, *operands_[other].tensor))
          continue;
        refuse_operand(operands_[written], "expected memory of its own, got some of " +
                                               std::string(operands_[other].contract->name) + " " +
                                               address(*operands_[other].tensor));
      }
    }
  }

  const ProgramSet& set_;
  std::string where_;
  const ProgramOperation& operation_;
  std::vector<Operand> operands_;
  std::array<int64_t, 26> sizes_{};  // 0: not met yet
};

// ---- one program

/// Of these a run looks for one to hand over inputs and fetch metrics.
template <class Op>
void check_single(const Program& program) {
  const auto count = std::count_if(
      program.operations.begin(), program.operations.end(),
      [](const auto& operation) { return std::holds_alternative<Op>(operation.operation); });
  if (count > 1) {
    refuse_program("program " + program.name, "expected at most one operation " +
                                                  std::string(Op::kName) + ", got " +
                                                  std::to_string(count));
  }
}

/// `part` is what of the landmarks an operation of this kind is.
template <class Part>
void check_single_of(const Program& program, const char* what, Part&& part) {
  const auto count =
      std::count_if(program.operations.begin(), program.operations.end(),
                    [&](const auto& operation) { return part(operation.operation).has_value(); });
  if (count > 1) {
    refuse_program("program " + program.name, "expected at most one operation that " +
                                                  std::string(what) + ", got " +
                                                  std::to_string(count));
  }
}

/// No two transient tensors that hold something at the same time share memory. A sweep over the
/// operations keeps the living ones in order of their address, so that each newcomer is compared
/// with its neighbors only.
void check_transient(const ProgramSet& set, const Program& program) {
  std::vector<Lifetime> births = lifetimes(program);
  if (set.gradients_at) {
    const std::vector<Lifetime> gradients = gradient_lifetimes(program);
    check_gradients_written(set, program, gradients);
    births.insert(births.end(), gradients.begin(), gradients.end());
    std::stable_sort(births.begin(), births.end(),
                     [](const Lifetime& a, const Lifetime& b) { return a.first < b.first; });
  }
  const auto begin = [&](const Tensor& tensor) {
    return tensor.offset + (tensor.arena == kGradientArena ? *set.gradients_at : 0);
  };
  std::vector<const Lifetime*> deaths;
  for (const Lifetime& lifetime : births) deaths.push_back(&lifetime);
  std::sort(deaths.begin(), deaths.end(),
            [](const Lifetime* a, const Lifetime* b) { return a->last < b->last; });

  std::map<size_t, const Tensor*> living;  // by offset
  size_t dead = 0;
  for (const Lifetime& birth : births) {
    for (; dead < deaths.size() && deaths[dead]->last < birth.first; ++dead) {
      living.erase(begin(*deaths[dead]->tensor));
    }
    const Tensor& tensor = *birth.tensor;
    const auto after = living.lower_bound(begin(tensor));
    const Tensor* neighbors[] = {after == living.end() ? nullptr : after->second,
                                 after == living.begin() ? nullptr : std::prev(after)->second};
    for (const Tensor* neighbor : neighbors) {
      if (neighbor == nullptr ||
          !meet(begin(tensor), tensor.bytes, begin(*neighbor), neighbor->bytes))
        continue;
      refuse_program(
          "program " + program.name + ": " + describe(birth.first, program.operations[birth.first]),
          "expected memory of its own for " + address(tensor) + ", got some of " +
              address(*neighbor) + ", which is still needed");
    }
    living.emplace(begin(tensor), &tensor);
  }
}

/// Whether all_reduce ends what an operation has begun: each of its segments once.
bool ends(const ops::AllReduce& op, const ops::AllReduceBegin& begun, std::set<int64_t>* seen) {
  if (begun.fast != op.fast || begun.gradients != op.gradients) return false;
  for (size_t index = 0; index < begun.offsets.size(); ++index) {
    const auto found = std::find(op.offsets.begin(), op.offsets.end(), begun.offsets[index]);
    if (found == op.offsets.end() || !seen->insert(*found).second) return false;
    const auto place = static_cast<size_t>(found - op.offsets.begin());
    if (op.lengths[place] != begun.lengths[index]) return false;
  }
  return true;
}

/// What else the ranks say to each other belongs to the whole step and to the all_reduce at its
/// end.
void check_ranks(const Program& program, const Landmarks& found) {
  // An operation by itself, as tests run it.
  if (program.operations.size() == 1) return;
  const std::string where = "program " + program.name;
  std::set<int64_t> seen;
  bool with_sums = false, with_begun = false;
  for (size_t index = 0; index < program.operations.size(); ++index) {
    const ops::AnyOperation& operation = program.operations[index].operation;
    const auto* sums = std::get_if<ops::AllReduceSums>(&operation);
    const auto* begun = std::get_if<ops::AllReduceBegin>(&operation);
    if (sums == nullptr && begun == nullptr) continue;
    const int64_t ranks = sums == nullptr ? begun->ranks : sums->ranks;
    if (found.all_reduce == nullptr || found.all_reduce->ranks != ranks) {
      refuse_program(where, "expected all_reduce over " + std::to_string(ranks) + " ranks");
    }
    if (found.accumulate != nullptr) {
      refuse_program(
          where, "expected no accumulations with " + describe(index, program.operations[index]));
    }
    (sums != nullptr ? with_sums : with_begun) = true;
    // Both would send at the same time, and in another order on every rank.
    if (with_sums && with_begun) {
      refuse_program(where, "expected no all_reduce_begin with all_reduce_sums");
    }
    if (begun == nullptr) continue;
    if (index > found.all_reduce_index || !ends(*found.all_reduce, *begun, &seen)) {
      refuse_program(where + ": " + describe(index, program.operations[index]),
                     "expected segments of the all_reduce behind it, each once");
    }
  }
}

/// A step hands over the images and labels of all its accumulations.
void check_accumulations(const Program& program) {
  const Landmarks found = find_landmarks(program);
  const int64_t times = accumulations_of(found);
  const auto check = [&](const char* what, int64_t all, int64_t at_a_time) {
    if (all % at_a_time == 0 && all / at_a_time == times) return;
    refuse_program("program " + program.name, "expected " + std::to_string(times) + " times " +
                                                  std::to_string(at_a_time) + " " + what +
                                                  ", got " + std::to_string(all));
  };
  if (found.input != nullptr) check("images", found.input->images->dim(0), found.input->x->dim(0));
  if (found.loss) check("labels", found.loss->labels->dim(0), found.loss->logits->dim(0));
  if (found.accumulate != nullptr && found.update_index < found.accumulate_index) {
    refuse_program("program " + program.name, "expected the update after the accumulations");
  }
  check_ranks(program, found);
  if (found.all_reduce == nullptr) return;
  const bool after = found.accumulate == nullptr || found.accumulate_index < found.all_reduce_index;
  if (found.loss_index < found.all_reduce_index && after &&
      found.all_reduce_index < found.update_index) {
    return;
  }
  // An operation by itself, as tests run it.
  if (program.operations.size() == 1) return;
  refuse_program("program " + program.name,
                 "expected all_reduce after the loss and the accumulations and before the update");
}

void check_program(const ProgramSet& set, const std::string& key, const Program& program) {
  if (program.name != key)
    refuse_program("program " + key, "expected that name, got \"" + program.name + "\"");
  if (program.operations.empty()) refuse_program("program " + key, "expected operations, got none");
  for (size_t index = 0; index < program.operations.size(); ++index) {
    const ProgramOperation& operation = program.operations[index];
    OperationCheck(set, "program " + key + ": " + describe(index, operation), operation).check();
  }
  check_single<ops::Input>(program);
  check_single_of(program, "computes a loss", loss_of);
  check_single<ops::CheckGradients>(program);
  check_single_of(program, "updates parameters", update_of);
  check_single<ops::Ema>(program);
  check_single<ops::Accumulate>(program);
  check_single<ops::AllReduce>(program);
  check_accumulations(program);
  check_transient(set, program);
}

}  // namespace

void verify(const ProgramSet& set) {
  check_device(set);
  for (const auto& [name, bytes] : set.arenas) {
    if (std::find(kArenas.begin(), kArenas.end(), name) == kArenas.end()) {
      std::string names;
      for (const char* arena : kArenas) names += (names.empty() ? "" : ", ") + std::string(arena);
      refuse_program("arenas", "expected " + names + ", got \"" + name + "\"");
    }
  }
  for (size_t index = 0; index < set.tensors.size(); ++index) check_tensor(set, index);
  check_persistent(set);
  check_gradients_at(set);
  for (const auto& [key, program] : set.programs) check_program(set, key, program);
}

}  // namespace preresnet
