// The reference executor: everything stored and computed in double, in logical order, on the
// calling thread.
#include <string>
#include <vector>

#include "core/error.h"
#include "reference/operations.h"

namespace preresnet {

namespace reference {
namespace {

void refuse(const char* op, const ops::OperandContract& contract, const std::string& message) {
  throw Error("ERR_UNSUPPORTED",
              std::string("reference: ") + op + ": operand " + contract.name + ": " + message);
}

void check(const char* op, const ops::OperandContract& contract, const Tensor* tensor) {
  if (tensor == nullptr || contract.type == ops::Type::bytes ||
      contract.type == ops::Type::integers)
    return;
  if (tensor->dtype != DType::f64)
    refuse(op, contract, std::string("expected f64, got ") + name_of(tensor->dtype));
  if (tensor->layout != Layout::plain)
    refuse(op, contract, std::string("expected plain, got ") + name_of(tensor->layout));
}

void check(const char* op, const ops::OperandContract& contract,
           const std::vector<const Tensor*>& list) {
  for (const Tensor* tensor : list) check(op, contract, tensor);
}

template <class Op>
class ReferenceOperation : public Operation {
 public:
  ReferenceOperation(const Op& op, std::vector<double>& scratch) : op_(op), scratch_(scratch) {}
  void run(const Step& step) override { reference::run(op_, Call{step, scratch_.data()}); }

 private:
  const Op& op_;
  std::vector<double>& scratch_;
};

class ReferenceExecutor : public Executor {
 public:
  std::string_view name() const override { return "reference"; }

  std::unique_ptr<Operation> prepare(const ops::AnyOperation& any) override {
    return std::visit(
        [this]<class Op>(const Op& op) -> std::unique_ptr<Operation> {
          Op::each_operand(op, [](const ops::OperandContract& contract, const auto& operand) {
            check(Op::kName, contract, operand);
          });
          doubles_ = std::max(doubles_, scratch_doubles(op));
          return std::make_unique<ReferenceOperation<Op>>(op, scratch_);
        },
        any);
  }

  size_t scratch_bytes() const override { return doubles_ * sizeof(double); }
  void allocate(bool) override { scratch_.resize(doubles_); }
  Roofline measure_roofline() override {
    throw Error("ERR_UNSUPPORTED",
                "roofline: expected an executor that is meant to be fast, got the reference");
  }

 private:
  size_t doubles_ = 0;           // of the most demanding operation: they share it
  std::vector<double> scratch_;  // owned here, so the executor outlives its operations
};

}  // namespace
}  // namespace reference

std::unique_ptr<Executor> make_reference_executor() {
  return std::make_unique<reference::ReferenceExecutor>();
}

}  // namespace preresnet
