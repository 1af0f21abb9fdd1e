// dx = mask . conv transposed(dy, w) as one launch of cuDNN a group.
#include "cuda/operations/convolution_operands.h"

namespace preresnet::cuda {
namespace {

class ConvBackwardData final : public DeviceOperation {
 public:
  ConvBackwardData(const ops::ConvBackwardData& op, const Context& context)
      : op_(op),
        dy_(feature_map("conv_backward_data.dy", op.dy, context)),
        x_(feature_map("conv_backward_data.x", op.x, context)),
        dx_(feature_map("conv_backward_data.dx", op.dx, context)),
        groups_(statistics_groups({op.xScale, op.xBias, op.sums})) {
    expect_weights("conv_backward_data.w", op.w, context);
    for (const Tensor* tensor : {op.xScale, op.xBias, op.sums}) {
      expect("conv_backward_data", tensor, DType::f32, Layout::nhwc8);
    }
    refuse("conv_backward_data", "mask without x, scale and bias",
           op.mask && (op.x == nullptr || op.xScale == nullptr || op.xBias == nullptr));
    convolution_ = context.convolutions.backward_data(
        convolution_shape(dx_, *op.w, dy_, op.stride, op.padding, groups_),
        convolution_choice(op.tier, op.engine, context),
        {false, op.mask, op.sums != nullptr, false});
  }

  size_t workspace_bytes() const override { return convolution_->workspace_bytes(); }
  int launches() const override { return static_cast<int>(groups_); }
  int convolution_launches() const override { return static_cast<int>(groups_); }

  void enqueue(const StreamContext& on) const override {
    for (uint32_t group = 0; group < groups_; ++group) {
      const auto part = [&]<class T>(T* data, const Tensor* tensor) {
        return part_of(data, group_bytes(tensor, groups_), group);
      };
      float* sum = part(on.at<float>(op_.sums), op_.sums);
      ConvolutionBackwardData::Operands operands{};
      operands.dy = part(on.at<const void>(op_.dy), op_.dy);
      operands.w = on.at<const void>(op_.w);
      operands.x = part(on.at<const void>(op_.x), op_.x);
      operands.scale = part(on.at<const float>(op_.xScale), op_.xScale);
      operands.bias = part(on.at<const float>(op_.xBias), op_.xBias);
      operands.dx = part(on.at<void>(op_.dx), op_.dx);
      operands.sum = sum;
      operands.product_sum = sum == nullptr ? nullptr : sum + dx_.channels;
      operands.workspace = on.workspace;
      convolution_->enqueue(on.runtime, on.stream, operands);
    }
  }

 private:
  const ops::ConvBackwardData& op_;
  FeatureMap dy_, x_, dx_;
  uint32_t groups_;
  std::shared_ptr<const ConvolutionBackwardData> convolution_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::ConvBackwardData& op, const Context& context) {
  return std::make_unique<ConvBackwardData>(op, context);
}

}  // namespace preresnet::cuda
