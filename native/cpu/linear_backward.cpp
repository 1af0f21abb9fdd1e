// dw = dy^T x, dbias = sum of dy, dx = dy w.
#include <algorithm>
#include <optional>

#include "core/tree.h"
#include "cpu/context.h"
#include "cpu/group_sum.h"
#include "cpu/operands.h"
#include "cpu/passes/matrix.h"

namespace preresnet::cpu {
namespace {

constexpr int64_t kProductRowsATask = 16;

class LinearBackwardOperation final : public Operation {
 public:
  LinearBackwardOperation(const ops::LinearBackward& op, Context& context)
      : op_(op),
        context_(context),
        groups_(op.groups),
        images_(op.x->dim(0) / op.groups),
        channels_(op.x->dim(1)),
        classes_(op.w->dim(0)) {
    ScratchPlan plan(context.scratch);
    if (op.dw != nullptr) dw_.emplace(groups_, channels_ * classes_, plan);
    expect_plain("linear_backward.dy", op.dy, DType::f32);
    expect_plain("linear_backward.x", op.x, DType::f32);
    expect_plain("linear_backward.w", op.w, DType::f32);
    expect_plain("linear_backward.dw", op.dw, DType::f32);
    expect_plain("linear_backward.dbias", op.dbias, DType::f32);
    expect_plain("linear_backward.dx", op.dx, DType::f32);
  }

  void run(const Step&) override {
    if (dw_) {
      dw_->sum(context_, op_.dw->as<float>(), [this](int64_t group) { weights_of(group); });
    }
    if (op_.dx != nullptr) {
      for (int64_t group = 0; group < groups_; ++group) images_of(group);
    }
    if (op_.dbias != nullptr) sum_rows(op_.dy->as<const float>(), op_.dbias->as<float>());
  }

 private:
  void weights_of(int64_t group) {
    const int64_t first = group * images_;
    product({.a = op_.dy->as<const float>() + first * classes_,
             .a_row = 1,
             .a_column = classes_,
             .b = op_.x->as<const float>() + first * channels_,
             .out = op_.dw->as<float>(),
             .rows = classes_,
             .columns = channels_,
             .depth = images_});
  }

  void images_of(int64_t group) {
    const int64_t first = group * images_;
    product({.a = op_.dy->as<const float>() + first * classes_,
             .a_row = classes_,
             .a_column = 1,
             .b = op_.w->as<const float>(),
             .out = op_.dx->as<float>() + first * channels_,
             .rows = images_,
             .columns = channels_,
             .depth = classes_});
  }

  void product(const passes::RowsByColumns& whole) {
    context_.pool.run((whole.rows + kProductRowsATask - 1) / kProductRowsATask,
                      [&](int, int64_t task) {
                        const int64_t begin = task * kProductRowsATask;
                        passes::RowsByColumns part = whole;
                        part.a += begin * whole.a_row;
                        part.out += begin * whole.columns;
                        part.rows = std::min(kProductRowsATask, whole.rows - begin);
                        passes::run(part);
                      });
  }

  void sum_rows(const float* dy, float* dbias) const {
    for (int64_t k = 0; k < classes_; ++k) {
      TreeSum<float> sums(groups_);
      for (int64_t group = 0; group < groups_; ++group) {
        double sum = 0;
        const int64_t first = group * images_;
        for (int64_t n = first; n < first + images_; ++n) sum += dy[n * classes_ + k];
        sums.add(static_cast<float>(sum));
      }
      dbias[k] = sums.total();
    }
  }

  const ops::LinearBackward& op_;
  Context& context_;
  int64_t groups_, images_, channels_, classes_;  // images: of a group
  std::optional<GroupSum> dw_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::LinearBackward& op, Context& context) {
  return std::make_unique<LinearBackwardOperation>(op, context);
}

}  // namespace preresnet::cpu
