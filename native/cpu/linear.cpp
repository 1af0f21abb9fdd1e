// y = x w^T [+ bias].
#include <algorithm>

#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/passes/matrix.h"

namespace preresnet::cpu {
namespace {

constexpr int64_t kRowsATask = 16, kFewestClasses = 64;

class LinearOperation final : public Operation {
 public:
  LinearOperation(const ops::Linear& op, Context& context) : op_(op), context_(context) {
    expect_plain("linear.x", op.x, DType::f32);
    expect_plain("linear.w", op.w, DType::f32);
    expect_plain("linear.bias", op.bias, DType::f32);
    expect_plain("linear.y", op.y, DType::f32);
  }

  void run(const Step& step) override {
    const int64_t images = op_.x->dim(0) / op_.groups, channels = op_.x->dim(1),
                  classes = op_.w->dim(0);
    // Whole tasks: how many rows are multiplied together must not hang on how many are wanted, nor
    // on the group's place in the batch.
    const int64_t tasks_a_group = (images + kRowsATask - 1) / kRowsATask;
    const int64_t wanted = step.wanted(op_.x->dim(0));
    const int64_t tasks =
        wanted / images * tasks_a_group + (wanted % images + kRowsATask - 1) / kRowsATask;
    // Of many classes each thread reads the weights of some.
    const int64_t slices =
        std::clamp<int64_t>(classes / kFewestClasses, 1, context_.pool.threads());
    context_.pool.run(tasks * slices, [&](int, int64_t task) {
      const int64_t slice = task % slices;
      const int64_t group = task / slices / tasks_a_group;
      const int64_t in_group = task / slices % tasks_a_group * kRowsATask;
      const int64_t begin = group * images + in_group;
      const int64_t first = slice * classes / slices, end = (slice + 1) * classes / slices;
      passes::run(passes::RowsByRows{
          .a = op_.x->as<const float>() + begin * channels,
          .b = op_.w->as<const float>() + first * channels,
          .bias = op_.bias == nullptr ? nullptr : op_.bias->as<const float>() + first,
          .out = op_.y->as<float>() + begin * classes + first,
          .rows = std::min(kRowsATask, images - in_group),
          .columns = end - first,
          .depth = channels,
          .out_row = classes,
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
