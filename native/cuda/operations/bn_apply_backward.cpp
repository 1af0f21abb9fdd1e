#include "cuda/kernels/bn_apply_backward.h"

#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class BnApplyBackward final : public DeviceOperation {
 public:
  BnApplyBackward(const ops::BnApplyBackward& op, const Context& context)
      : type_(context.storage),
        d_(feature_map("bn_apply_backward.d", op.d, context)),
        x_(feature_map("bn_apply_backward.x", op.x, context)),
        skip_(feature_map("bn_apply_backward.skip", op.skip, context)),
        dx_(feature_map("bn_apply_backward.dx", op.dx, context)),
        plan_("bn_apply_backward", d_, {op.a, op.b, op.c}, nullptr, context),
        a_(plan_.vector(op.a)),
        b_(plan_.vector(op.b)),
        c_(plan_.vector(op.c)) {}

  void enqueue(const StreamContext& on) const override {
    bn_apply_backward(on.runtime, on.stream, type_, plan_.launch(),
                      {on.at<void>(d_.tensor), on.at<void>(x_.tensor), a_.at(on), b_.at(on),
                       c_.at(on), on.at<void>(skip_.tensor), on.at<void>(dx_.tensor)});
  }

 private:
  Type type_;
  FeatureMap d_, x_, skip_, dx_;
  ChannelPlan plan_;
  VectorOperand a_, b_, c_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::BnApplyBackward& op, const Context& context) {
  return std::make_unique<BnApplyBackward>(op, context);
}

}  // namespace preresnet::cuda
