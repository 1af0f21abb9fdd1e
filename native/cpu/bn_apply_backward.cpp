// dx = a * d + b * x + c [+ skip].
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/passes/gradient.h"

namespace preresnet::cpu {
namespace {

class BnApplyBackwardOperation final : public Operation {
 public:
  BnApplyBackwardOperation(const ops::BnApplyBackward& op, Context& context) : context_(context) {
    ScratchPlan plan(context.scratch);
    d_ = activation("bn_apply_backward.d", op.d);
    x_ = activation("bn_apply_backward.x", op.x);
    skip_ = activation("bn_apply_backward.skip", op.skip);
    dx_ = activation("bn_apply_backward.dx", op.dx);
    a_ = Coefficients("bn_apply_backward.a", op.a, x_.images, plan);
    b_ = Coefficients("bn_apply_backward.b", op.b, x_.images, plan);
    c_ = Coefficients("bn_apply_backward.c", op.c, x_.images, plan);
  }

  void run(const Step&) override {
    for (Coefficients* row : {&a_, &b_, &c_}) row->load(context_.scratch);
    context_.pool.run(x_.images, [&](int, int64_t image) {
      passes::run(passes::GradientPass{
          .d = d_.source(image),
          .y = x_.source(image),
          .skip = skip_.source(image),
          .a = a_.row(image),
          .b = b_.row(image),
          .c = c_.row(image),
          .stored = dx_.target(image),
          .blocks = x_.blocks(),
          .pixels = x_.pixels(),
      });
    });
  }

 private:
  Context& context_;
  Activation d_, x_, skip_, dx_;
  Coefficients a_, b_, c_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::BnApplyBackward& op, Context& context) {
  return std::make_unique<BnApplyBackwardOperation>(op, context);
}

}  // namespace preresnet::cpu
