#include "cuda/kernels/relu_backward.h"

#include "core/error.h"
#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class ReluBackward final : public DeviceOperation {
 public:
  ReluBackward(const ops::ReluBackward& op, const Context& context)
      : type_(context.storage),
        mask_(op.mask),
        d_(feature_map("relu_backward.d", op.d, context)),
        add_(feature_map("relu_backward.add", op.add, context)),
        x_(feature_map("relu_backward.x", op.x, context)),
        dx_(feature_map("relu_backward.dx", op.dx, context)),
        plan_("relu_backward", d_, {op.xScale, op.xBias}, op.sums, context),
        scale_(plan_.vector(op.xScale)),
        bias_(plan_.vector(op.xBias)),
        sums_(plan_.sums(op.sums)) {
    if (!x_ && (mask_ || sums_)) {
      throw Error("ERR_UNSUPPORTED", "relu_backward.x: expected it with a mask or sums");
    }
  }

  size_t workspace_bytes() const override { return sums_ ? plan_.workspace_bytes(2) : 0; }

  void enqueue(const StreamContext& on) const override {
    relu_backward(on.runtime, on.stream, type_, plan_.launch(), sums_.at(on),
                  {on.at<void>(d_.tensor), on.at<void>(add_.tensor), on.at<void>(x_.tensor),
                   scale_.at(on), bias_.at(on), on.at<void>(dx_.tensor), mask_});
  }

 private:
  Type type_;
  bool mask_;
  FeatureMap d_, add_, x_, dx_;
  ChannelPlan plan_;
  VectorOperand scale_, bias_;
  SumsOperand sums_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::ReluBackward& op, const Context& context) {
  return std::make_unique<ReluBackward>(op, context);
}

}  // namespace preresnet::cuda
