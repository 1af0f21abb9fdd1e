#include "program/pointwise_law.h"

#include "program/demands.h"

namespace preresnet {

namespace {

/// The registers that one pointwise instruction reads, and its operands.
class PointwiseLaw {
 public:
  explicit PointwiseLaw(const ops::Pointwise& op) : op_(op) {}

  void check() {
    equal("domain of sizes", 4, static_cast<int64_t>(op_.domain.size()));
    for (const int64_t size : op_.domain)
      demand(size >= 1, "sizes of the domain of at least 1", size);
    equal("code length modulo 4", 0, static_cast<int64_t>(op_.code.size() % 4));
    demand(!op_.code.empty() && op_.code.size() <= 4 * kMostRegisters,
           "1 to " + std::to_string(kMostRegisters) + " instructions", op_.code.size() / 4);
    check_operands();
    const auto count = static_cast<int64_t>(op_.code.size() / 4);
    for (int64_t index = 0; index < count; ++index) instruction(index);
    equal("stores", static_cast<int64_t>(op_.outputs.size()),
          static_cast<int64_t>(op_.stores.size()));
    for (const int64_t store : op_.stores) within("stores", store, count);
    check_sums(count);
    equal("dropoutKeys", static_cast<int64_t>(op_.dropoutRates.size()),
          static_cast<int64_t>(op_.dropoutKeys.size()));
    for (const double rate : op_.dropoutRates) {
      demand(rate >= 0 && rate < 1, "dropoutRates from 0 to below 1", rate);
    }
    for (const int64_t key : op_.dropoutKeys) {
      demand(key >= 0 && key <= 0xffffffff, "dropoutKeys from 0 to 2^32 - 1", key);
    }
    demand(!op_.outputs.empty() || op_.sums != nullptr, "an output or sums", "neither");
  }

 private:
  static constexpr size_t kMostRegisters = 256;

  static void within(const char* what, int64_t index, int64_t count) {
    demand(index >= 0 && index < count, std::string(what) + " below " + std::to_string(count),
           index);
  }

  void check_operands() const {
    for (const Tensor* tensor : op_.tensors)
      equal("images of a tensor", op_.domain[0], tensor->dim(0));
    for (const Tensor* vector : op_.vectors) groups("groups of a vector", vector->dim(0));
    for (const Tensor* output : op_.outputs) {
      for (size_t axis = 0; axis < 4; ++axis) {
        equal("size of an output", op_.domain[axis], output->dim(axis));
      }
    }
  }

  void groups(const char* what, int64_t count) const {
    demand(op_.domain[0] % count == 0, std::string(what) + " to divide the images", count);
  }

  void instruction(int64_t index) const {
    const int64_t* word = &op_.code[static_cast<size_t>(4 * index)];
    demand(ops::is_opcode(word[0]), "an opcode of the table", word[0]);
    const auto table = [&](const char* what, size_t size) {
      within(what, word[1], static_cast<int64_t>(size));
    };
    switch (static_cast<ops::Opcode>(word[0])) {
      case ops::Opcode::tensor:
        table("tensor", op_.tensors.size());
        return position(*op_.tensors[static_cast<size_t>(word[1])], word[2]);
      case ops::Opcode::vector:
        return table("vector", op_.vectors.size());
      case ops::Opcode::constant:
        return table("constant", op_.constants.size());
      case ops::Opcode::dropout:
        table("dropout", op_.dropoutRates.size());
        return demand(word[2] == 0 || word[2] == 1, "0 or 1 for what a dropout counts", word[2]);
      case ops::Opcode::add:
      case ops::Opcode::multiply:
        within("register b", word[2], index);
        [[fallthrough]];
      case ops::Opcode::relu:
      case ops::Opcode::positive:
      case ops::Opcode::sigmoid:
        within("register a", word[1], index);
    }
  }

  /// Every position that an element of the domain reads must be inside the tensor.
  void position(const Tensor& tensor, int64_t step) const {
    constexpr int64_t kLargestStep = 1 << 20;
    demand(step >= -kLargestStep && step <= kLargestStep && step != 0, "a step of s or -s", step);
    for (size_t axis = 2; axis < 4; ++axis) {
      if (step > 0) {
        equal("positions read from a tensor", rounded_up(tensor.dim(axis), step), op_.domain[axis]);
      } else {
        equal("positions read from a tensor", rounded_up(op_.domain[axis], -step),
              tensor.dim(axis));
      }
    }
  }

  void check_sums(int64_t registers) const {
    const std::vector<int64_t>& terms = op_.sumTerms;
    equal("length of sumTerms modulo 2", 0, static_cast<int64_t>(terms.size() % 2));
    demand(terms.empty() == (op_.sums == nullptr), "sums and sumTerms together", "one of them");
    for (size_t index = 0; index < terms.size(); ++index) {
      if (index % 2 == 0 || terms[index] != -1)
        within("register of a sum", terms[index], registers);
    }
    if (op_.sums == nullptr) return;
    groups("groups of sums", op_.sums->dim(0));
    equal("rows of sums", static_cast<int64_t>(terms.size() / 2), op_.sums->dim(1));
    equal("channels of sums", op_.domain[1], op_.sums->dim(2));
  }

  const ops::Pointwise& op_;
};

}  // namespace

void check_pointwise(const ops::Pointwise& op) { PointwiseLaw(op).check(); }

}  // namespace preresnet
