#include "cuda/kernels/average_pool.h"
#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class BnReluAveragePool final : public DeviceOperation {
 public:
  BnReluAveragePool(const ops::BnReluAveragePool& op, const Context& context)
      : op_(op),
        type_(context.storage),
        x_(feature_map("bn_relu_average_pool.x", op.x, context)),
        y_(feature_map("bn_relu_average_pool.y", op.y, context)),
        plan_("bn_relu_average_pool", y_, {op.scale, op.bias}, op.sums, context),
        scale_(plan_.vector(op.scale)),
        bias_(plan_.vector(op.bias)),
        sums_(plan_.sums(op.sums)) {}

  size_t workspace_bytes() const override { return sums_ ? plan_.workspace_bytes(2) : 0; }

  void enqueue(const StreamContext& on) const override {
    const PoolSizes sizes{static_cast<int>(x_.height),  static_cast<int>(x_.width),
                          static_cast<int>(y_.height),  static_cast<int>(y_.width),
                          static_cast<int>(op_.kernel), static_cast<int>(op_.stride),
                          static_cast<int>(op_.padding)};
    bn_relu_average_pool(
        on.runtime, on.stream, type_, plan_.launch(), sums_.at(on),
        {on.at<void>(op_.x), scale_.at(on), bias_.at(on), on.at<void>(op_.y), sizes, op_.relu});
  }

 private:
  const ops::BnReluAveragePool& op_;
  Type type_;
  FeatureMap x_, y_;
  ChannelPlan plan_;
  VectorOperand scale_, bias_;
  SumsOperand sums_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::BnReluAveragePool& op, const Context& context) {
  return std::make_unique<BnReluAveragePool>(op, context);
}

}  // namespace preresnet::cuda
