// y = x w^T [+ bias].
#include <algorithm>

#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/partition.h"
#include "cpu/passes/matrix.h"

namespace preresnet::cpu {
namespace {

constexpr int64_t kRowsATask = 16, kFewestClasses = 64;

class LinearOperation final : public Operation {
 public:
  LinearOperation(const ops::Linear& op, Context& context)
      : op_(op), context_(context), partition_(op.x->dim(0) / op.groups, kRowsATask, kRowsATask) {
    expect_plain("linear.x", op.x, DType::f32);
    expect_plain("linear.w", op.w, DType::f32);
    expect_plain("linear.bias", op.bias, DType::f32);
    expect_plain("linear.y", op.y, DType::f32);
  }

  void run(const Step& step) override {
    const int64_t wanted = step.wanted(op_.x->dim(0)), channels = op_.x->dim(1),
                  classes = op_.w->dim(0);
    // Of many classes each thread reads the weights of some.
    const int64_t slices =
        std::clamp<int64_t>(classes / kFewestClasses, 1, context_.pool.threads());
    context_.pool.run(partition_.blocks_of_batch(wanted) * slices, [&](int, int64_t task) {
      const int64_t slice = task % slices;
      const Range rows = partition_.block_of_batch(task / slices, wanted);
      const int64_t first = slice * classes / slices, end = (slice + 1) * classes / slices;
      passes::run(passes::RowsByRows{
          .a = op_.x->as<const float>() + rows.begin * channels,
          .b = op_.w->as<const float>() + first * channels,
          .bias = op_.bias == nullptr ? nullptr : op_.bias->as<const float>() + first,
          .out = op_.y->as<float>() + rows.begin * classes + first,
          .rows = rows.end - rows.begin,
          .columns = end - first,
          .depth = channels,
          .out_row = classes,
      });
    });
  }

 private:
  const ops::Linear& op_;
  Context& context_;
  // Whole tasks: how many rows are multiplied together must not hang on how many are wanted, nor on
  // the group's place in the batch.
  Partition partition_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Linear& op, Context& context) {
  return std::make_unique<LinearOperation>(op, context);
}

}  // namespace preresnet::cpu
