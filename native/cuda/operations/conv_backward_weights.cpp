// dw = dy * t(x) as one launch of cuDNN a group, whose results are added afterwards; dbias = sum of
// dy by a kernel of our own.
#include <algorithm>

#include "cuda/kernels/group_sums.h"
#include "cuda/operations/convolution_operands.h"

namespace preresnet::cuda {
namespace {

class ConvBackwardWeights final : public DeviceOperation {
 public:
  ConvBackwardWeights(const ops::ConvBackwardWeights& op, const Context& context)
      : op_(op),
        type_(context.storage),
        dy_(feature_map("conv_backward_weights.dy", op.dy, context)),
        x_(feature_map("conv_backward_weights.x", op.x, context)),
        groups_(statistics_groups({op.xScale, op.xBias})),
        bias_plan_("conv_backward_weights", dy_, {}, op.dbias, context),
        dbias_(bias_plan_.sums(op.dbias)) {
    expect_weights("conv_backward_weights.dw", op.dw, context);
    expect("conv_backward_weights.xScale", op.xScale, dtype_of(context.storage), Layout::nhwc8);
    expect("conv_backward_weights.xBias", op.xBias, dtype_of(context.storage), Layout::nhwc8);
    const bool whole = op.xScale != nullptr && op.xBias != nullptr && op.xRelu;
    const bool none = op.xScale == nullptr && op.xBias == nullptr && !op.xRelu;
    refuse("conv_backward_weights", "transform of x other than scale, bias and ReLU together",
           !whole && !none);
    convolution_ = context.convolutions.backward_weights(
        convolution_shape(x_, *op.dw, dy_, op.stride, op.padding, groups_),
        convolution_choice(op.tier, op.engine, context), {whole});
  }

  size_t workspace_bytes() const override {
    const size_t groups = groups_ == 1 ? 0 : groups_ * op_.dw->bytes;
    return std::max(aligned(convolution_->workspace_bytes()) + groups,
                    dbias_ ? bias_plan_.workspace_bytes(1) : 0);
  }
  int launches() const override {
    return convolution_launches() + (groups_ > 1) + (op_.dbias != nullptr);
  }
  int convolution_launches() const override { return static_cast<int>(groups_); }

  void enqueue(const StreamContext& on) const override {
    auto* dw = static_cast<std::byte*>(on.at<void>(op_.dw));
    auto* parts = static_cast<std::byte*>(on.workspace) + aligned(convolution_->workspace_bytes());
    for (uint32_t group = 0; group < groups_; ++group) {
      const auto part = [&](const Tensor* tensor) {
        return part_of(on.at<const void>(tensor), group_bytes(tensor, groups_), group);
      };
      ConvolutionBackwardWeights::Operands operands{};
      operands.dy = part(op_.dy);
      operands.x = part(op_.x);
      operands.scale = part(op_.xScale);
      operands.bias = part(op_.xBias);
      operands.dw = groups_ == 1 ? dw : parts + group * op_.dw->bytes;
      operands.workspace = on.workspace;
      convolution_->enqueue(on.runtime, on.stream, operands);
    }
    if (groups_ > 1) {
      group_sums(on.runtime, on.stream, type_, parts, dw, static_cast<int>(groups_),
                 static_cast<int64_t>(op_.dw->bytes / (type_ == Type::f32 ? 4 : 2)));
    }
    if (dbias_) {
      channel_sums(on.runtime, on.stream, type_, bias_plan_.launch(), dbias_.at(on),
                   on.at<const void>(op_.dy));
    }
  }

 private:
  const ops::ConvBackwardWeights& op_;
  Type type_;
  FeatureMap dy_, x_;
  uint32_t groups_;
  ChannelPlan bias_plan_;
  SumsOperand dbias_;
  std::shared_ptr<const ConvolutionBackwardWeights> convolution_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::ConvBackwardWeights& op,
                                         const Context& context) {
  return std::make_unique<ConvBackwardWeights>(op, context);
}

}  // namespace preresnet::cuda
