// y = x w^T [+ bias].
#include <algorithm>

#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/passes/matrix.h"

namespace preresnet::cpu {
namespace {

constexpr int64_t kRowsATask = 16;

class LinearOperation final : public Operation {
 public:
  LinearOperation(const ops::Linear& op, Context& context) : op_(op), context_(context) {
    expect_plain("linear.x", op.x, DType::f32);
    expect_plain("linear.w", op.w, DType::f32);
    expect_plain("linear.bias", op.bias, DType::f32);
    expect_plain("linear.y", op.y, DType::f32);
  }

  void run(const Step& step) override {
    const int64_t images = op_.x->dim(0), channels = op_.x->dim(1), classes = op_.w->dim(0);
    // Whole tasks: how many rows are multiplied together must not hang on how many are wanted.
    const int64_t tasks = (step.wanted(images) + kRowsATask - 1) / kRowsATask;
    context_.pool.run(tasks, [&](int, int64_t task) {
      const int64_t begin = task * kRowsATask;
      passes::run(passes::RowsByRows{
          .a = op_.x->as<const float>() + begin * channels,
          .b = op_.w->as<const float>(),
          .bias = op_.bias == nullptr ? nullptr : op_.bias->as<const float>(),
          .out = op_.y->as<float>() + begin * classes,
          .rows = std::min(kRowsATask, images - begin),
          .columns = classes,
          .depth = channels,
      });
    });
  }

 private:
  const ops::Linear& op_;
  Context& context_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Linear& op, Context& context) {
  return std::make_unique<LinearOperation>(op, context);
}

}  // namespace preresnet::cpu
