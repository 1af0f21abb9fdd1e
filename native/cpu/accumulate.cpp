// The accumulations of a step, added by a balanced binary tree: gradients in f32, metrics in f64.
#include "core/tree.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/tree_rows.h"

namespace preresnet::cpu {
namespace {

class AccumulateOperation final : public Operation {
 public:
  AccumulateOperation(const ops::Accumulate& op, Context& context) : op_(op), context_(context) {
    expect_plain("accumulate.gradients", op.gradients, DType::f32);
    expect_plain("accumulate.waitingGradients", op.waitingGradients, DType::f32);
    expect_plain("accumulate.metrics", op.metrics, DType::f64);
    expect_plain("accumulate.waitingMetrics", op.waitingMetrics, DType::f64);
  }

  void run(const Step& step) override {
    const int64_t index = step.accumulation, row = op_.gradients->dim(0);
    context_.pool.run(static_cast<int64_t>(op_.offsets.size()), [&](int, int64_t segment) {
      const int64_t offset = op_.offsets[static_cast<size_t>(segment)];
      const int64_t length = op_.lengths[static_cast<size_t>(segment)];
      add_row_to_tree(index, op_.times, op_.gradients->as<float>() + offset, length,
                      op_.waitingGradients->as<float>() + offset, row);
    });
    if (op_.metrics == nullptr) return;
    for (int64_t i = 0; i < 4; ++i) {
      add_number_to_tree(index, op_.times, op_.metrics->as<double>()[i],
                         op_.waitingMetrics->as<double>() + i, 4);
    }
  }

 private:
  const ops::Accumulate& op_;
  Context& context_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Accumulate& op, Context& context) {
  return std::make_unique<AccumulateOperation>(op, context);
}

}  // namespace preresnet::cpu
