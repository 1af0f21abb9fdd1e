#include "cuda/kernels/global_average_pool.h"
#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class BnReluGlobalAveragePool final : public DeviceOperation {
 public:
  BnReluGlobalAveragePool(const ops::BnReluGlobalAveragePool& op, const Context& context)
      : op_(op),
        type_(context.storage),
        x_(feature_map("bn_relu_global_average_pool.x", op.x, context)),
        plan_("bn_relu_global_average_pool", x_, {op.scale, op.bias}, nullptr, context),
        scale_(plan_.vector(op.scale)),
        bias_(plan_.vector(op.bias)) {
    expect("bn_relu_global_average_pool.y", op.y, DType::f32, Layout::plain);
  }

  void enqueue(const StreamContext& on) const override {
    BnReluGlobalAveragePoolParameters parameters{};
    parameters.x = on.at<void>(op_.x);
    parameters.scale = scale_.at(on);
    parameters.bias = bias_.at(on);
    parameters.y = on.at<float>(op_.y);
    parameters.images = static_cast<int>(x_.images);
    parameters.pixels = static_cast<int>(x_.pixels());
    parameters.channels = static_cast<int>(op_.x->dim(1));
    parameters.groups = static_cast<int>(plan_.launch().grid.z);
    parameters.relu = op_.relu;
    bn_relu_global_average_pool(on.runtime, on.stream, type_, parameters);
  }

 private:
  const ops::BnReluGlobalAveragePool& op_;
  Type type_;
  FeatureMap x_;
  ChannelPlan plan_;
  VectorOperand scale_, bias_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::BnReluGlobalAveragePool& op,
                                         const Context& context) {
  return std::make_unique<BnReluGlobalAveragePool>(op, context);
}

}  // namespace preresnet::cuda
