#include "cuda/kernels/bn_relu.h"

#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class BnRelu final : public DeviceOperation {
 public:
  BnRelu(const ops::BnRelu& op, const Context& context)
      : type_(context.storage),
        relu_(op.relu),
        x_(feature_map("bn_relu.x", op.x, context)),
        y_(feature_map("bn_relu.y", op.y, context)),
        plan_("bn_relu", x_, {op.scale, op.bias}, nullptr, context),
        scale_(plan_.vector(op.scale)),
        bias_(plan_.vector(op.bias)) {}

  void enqueue(const StreamContext& on) const override {
    bn_relu(on.runtime, on.stream, type_, plan_.launch(),
            {on.at<void>(x_.tensor), scale_.at(on), bias_.at(on), on.at<void>(y_.tensor), relu_});
  }

 private:
  Type type_;
  bool relu_;
  FeatureMap x_, y_;
  ChannelPlan plan_;
  VectorOperand scale_, bias_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::BnRelu& op, const Context& context) {
  return std::make_unique<BnRelu>(op, context);
}

}  // namespace preresnet::cuda
