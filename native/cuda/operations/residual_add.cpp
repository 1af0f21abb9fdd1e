#include "cuda/kernels/residual_add.h"

#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class ResidualAdd final : public DeviceOperation {
 public:
  ResidualAdd(const ops::ResidualAdd& op, const Context& context)
      : op_(op),
        type_(context.storage),
        x_(feature_map("residual_add.x", op.x, context)),
        residual_(feature_map("residual_add.residual", op.residual, context)),
        y_(feature_map("residual_add.y", op.y, context)),
        plan_("residual_add", x_, {op.bias, op.residualScale, op.residualBias}, op.sums, context),
        bias_(plan_.vector(op.bias)),
        residual_scale_(plan_.vector(op.residualScale)),
        residual_bias_(plan_.vector(op.residualBias)),
        sums_(plan_.sums(op.sums)) {}

  size_t workspace_bytes() const override { return sums_ ? plan_.workspace_bytes(2) : 0; }

  void enqueue(const StreamContext& on) const override {
    ResidualAddOperands operands{};
    operands.x = on.at<void>(x_.tensor);
    operands.bias = bias_.at(on);
    operands.residual = on.at<void>(residual_.tensor);
    operands.residual_scale = residual_scale_.at(on);
    operands.residual_bias = residual_bias_.at(on);
    operands.residual_channels = residual_.channels;
    operands.residual_height = residual_.height;
    operands.residual_width = residual_.width;
    operands.height = x_.height;
    operands.width = x_.width;
    operands.subsample = static_cast<uint32_t>(op_.residualSubsample);
    operands.y = on.at<void>(y_.tensor);
    operands.residual_relu = op_.residualRelu;
    operands.relu = op_.relu;
    residual_add(on.runtime, on.stream, type_, plan_.launch(), sums_.at(on), operands);
  }

 private:
  const ops::ResidualAdd& op_;
  Type type_;
  FeatureMap x_, residual_, y_;
  ChannelPlan plan_;
  VectorOperand bias_, residual_scale_, residual_bias_;
  SumsOperand sums_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::ResidualAdd& op, const Context& context) {
  return std::make_unique<ResidualAdd>(op, context);
}

}  // namespace preresnet::cuda
