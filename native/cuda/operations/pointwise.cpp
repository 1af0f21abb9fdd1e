// The register code of `pointwise` for its kernel: registers become slots, and sums of more terms
// than a launch takes become more launches.
#include "cuda/kernels/pointwise.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"
#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

using ops::Opcode;

void expect_at_most(const char* what, size_t most, size_t count) {
  if (count <= most) return;
  throw Error("ERR_UNSUPPORTED", std::string("pointwise: expected at most ") +
                                     std::to_string(most) + " " + what + " on CUDA, got " +
                                     std::to_string(count));
}

size_t register_operands(Opcode opcode) {
  switch (opcode) {
    case Opcode::add:
    case Opcode::multiply:
      return 2;
    case Opcode::relu:
    case Opcode::positive:
    case Opcode::sigmoid:
      return 1;
    default:
      return 0;
  }
}

/// Slots of registers: a register keeps its own from where it is written to where it is last read;
/// what is stored or summed is read last of all.
class Slots {
 public:
  explicit Slots(const ops::Pointwise& op) : of_(op.code.size() / 4), last_(of_.size(), 0) {
    const size_t count = of_.size();
    for (size_t i = 0; i < count; ++i) {
      last_[i] = i;
      for_operands(op, i, [&](size_t operand) { last_[operand] = i; });
    }
    for (const int64_t stored : op.stores) last_.at(static_cast<size_t>(stored)) = count;
    for (const int64_t summed : op.sumTerms) {
      if (summed >= 0) last_.at(static_cast<size_t>(summed)) = count;
    }
    for (size_t i = 0; i < count; ++i) assign(op, i);
  }

  uint8_t of(int64_t index) const { return of_.at(static_cast<size_t>(index)); }
  uint32_t count() const { return static_cast<uint32_t>(used_.size()); }

 private:
  template <class Visit>
  static void for_operands(const ops::Pointwise& op, size_t i, Visit&& visit) {
    const size_t operands = register_operands(static_cast<Opcode>(op.code[i * 4]));
    for (size_t k = 0; k < operands; ++k) visit(static_cast<size_t>(op.code[i * 4 + 1 + k]));
  }

  void assign(const ops::Pointwise& op, size_t i) {
    for_operands(op, i, [&](size_t operand) {
      if (last_[operand] == i) used_[of_[operand]] = false;
    });
    const auto free = std::find(used_.begin(), used_.end(), false);
    const auto slot = static_cast<size_t>(free - used_.begin());
    if (free == used_.end()) used_.push_back(false);
    expect_at_most("registers alive at once", kPointwiseSlots, used_.size());
    of_[i] = static_cast<uint8_t>(slot);
    used_[slot] = last_[i] > i;
  }

  std::vector<uint8_t> of_;
  std::vector<size_t> last_;  // the instruction that reads it last
  std::vector<bool> used_;    // by slot
};

class Pointwise final : public DeviceOperation {
 public:
  Pointwise(const ops::Pointwise& op, const Context& context)
      : op_(op),
        type_(context.storage),
        plan_("pointwise", domain(op), op.vectors, op.sums, context),
        sums_(plan_.sums(op.sums)) {
    check_sizes();
    for (const Tensor* tensor : op.tensors) {
      tensors_.push_back(feature_map("pointwise.tensors", tensor, context));
    }
    for (const Tensor* vector : op.vectors) vectors_.push_back(plan_.vector(vector));
    for (const Tensor* output : op.outputs) feature_map("pointwise.outputs", output, context);
    encode();
  }

  size_t workspace_bytes() const override {
    return sums_ ? plan_.workspace_bytes(kPointwiseTerms) : 0;
  }
  int launches() const override {
    const size_t chunks = (terms() + kPointwiseTerms - 1) / kPointwiseTerms;
    return static_cast<int>(std::max<size_t>(chunks, 1));
  }

  void enqueue(const StreamContext& on) const override {
    PointwiseProgram program = program_;
    program.step = on.step;
    for (size_t i = 0; i < tensors_.size(); ++i) {
      program.tensors[i].data = on.at<void>(tensors_[i].tensor);
    }
    for (size_t i = 0; i < vectors_.size(); ++i) program.vectors[i] = vectors_[i].at(on);
    for (size_t i = 0; i < op_.outputs.size(); ++i) {
      program.outputs[i].data = on.at<void>(op_.outputs[i]);
    }
    for (size_t first = 0; first == 0 || first < terms(); first += kPointwiseTerms) {
      ChannelSums sums = sums_.at(on);
      set_terms(program, first);
      if (sums.data != nullptr) sums.data += first * plan_.launch().channels.channels;
      sums.rows = static_cast<uint32_t>(terms());
      sums.count = program.term_count;
      pointwise(on.runtime, on.stream, type_, plan_.launch(), sums, program);
    }
  }

 private:
  static FeatureMap domain(const ops::Pointwise& op) {
    const auto size = [&](size_t i) { return static_cast<uint32_t>(op.domain.at(i)); };
    return {nullptr, size(0), (size(1) + 7) / 8 * 8, size(2), size(3)};
  }

  size_t terms() const { return sums_ ? op_.sumTerms.size() / 2 : 0; }

  void check_sizes() const {
    expect_at_most("instructions", kPointwiseInstructions, op_.code.size() / 4);
    expect_at_most("tensors", kPointwiseTensors, op_.tensors.size());
    expect_at_most("vectors", kPointwiseVectors, op_.vectors.size());
    expect_at_most("outputs", kPointwiseOutputs, op_.outputs.size());
    expect_at_most("constants", kPointwiseConstants, op_.constants.size());
    expect_at_most("dropouts", kPointwiseDropouts, op_.dropoutRates.size());
  }

  void encode() {
    const Slots slots(op_);
    program_.instruction_count = static_cast<uint32_t>(op_.code.size() / 4);
    program_.slot_count = slots.count();
    for (size_t i = 0; i < program_.instruction_count; ++i) {
      const int64_t* code = &op_.code[i * 4];
      PointwiseInstruction& to = program_.instructions[i];
      const size_t registers = register_operands(static_cast<Opcode>(code[0]));
      to.opcode = static_cast<uint8_t>(code[0]);
      to.to = slots.of(static_cast<int64_t>(i));
      to.a = registers > 0 ? slots.of(code[1]) : static_cast<uint8_t>(code[1]);
      to.b = registers > 1 ? slots.of(code[2]) : uint8_t{0};
      to.access = registers > 0 ? 0 : static_cast<int32_t>(code[2]);
    }
    for (size_t i = 0; i < op_.constants.size(); ++i) {
      program_.constants[i] = static_cast<float>(op_.constants[i]);
    }
    for (size_t i = 0; i < tensors_.size(); ++i) {
      program_.tensors[i] = {nullptr, tensors_[i].channels, tensors_[i].height, tensors_[i].width};
    }
    for (size_t i = 0; i < op_.outputs.size(); ++i) {
      program_.outputs[i].slot = slots.of(op_.stores.at(i));
    }
    for (size_t i = 0; i < op_.dropoutRates.size(); ++i) {
      const double rate = op_.dropoutRates[i];
      // As dropout_keeps of core/philox.h, whose comparison is exact.
      program_.dropouts[i] = {static_cast<uint64_t>(op_.dropoutKeys.at(i)),
                              static_cast<uint32_t>(std::ceil(rate * 0x1p24)),
                              static_cast<float>(1 / (1 - rate))};
    }
    for (const int64_t index : op_.sumTerms) {
      terms_.push_back(index < 0 ? kPointwiseNone : slots.of(index));
    }
    program_.output_count = static_cast<uint32_t>(op_.outputs.size());
    program_.channels = static_cast<uint32_t>(op_.domain[1]);
    program_.height = static_cast<uint32_t>(op_.domain[2]);
    program_.width = static_cast<uint32_t>(op_.domain[3]);
  }

  void set_terms(PointwiseProgram& program, size_t first) const {
    program.term_count = static_cast<uint32_t>(std::min<size_t>(terms() - first, kPointwiseTerms));
    for (size_t i = 0; i < program.term_count; ++i) {
      program.terms[i] = {terms_[(first + i) * 2], terms_[(first + i) * 2 + 1]};
    }
  }

  const ops::Pointwise& op_;
  Type type_;
  ChannelPlan plan_;
  SumsOperand sums_;
  std::vector<FeatureMap> tensors_;
  std::vector<VectorOperand> vectors_;
  std::vector<uint8_t> terms_;  // slots, two a term
  PointwiseProgram program_{};
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::Pointwise& op, const Context& context) {
  return std::make_unique<Pointwise>(op, context);
}

}  // namespace preresnet::cuda
