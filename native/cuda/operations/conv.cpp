// y = conv(t(x), w) [+ residual] as one launch of cuDNN a group; bias, ReLU and a residual that is
// itself transformed are residual_add's.
#include "cuda/operations/convolution_operands.h"

namespace preresnet::cuda {
namespace {

class Conv final : public DeviceOperation {
 public:
  Conv(const ops::Conv& op, const Context& context)
      : op_(op),
        x_(feature_map("conv.x", op.x, context)),
        y_(feature_map("conv.y", op.y, context)),
        residual_(feature_map("conv.residual", op.residual, context)),
        groups_(statistics_groups({op.xScale, op.xBias, op.sums})) {
    check(context);
    const ConvolutionChoice choice = convolution_choice(op.tier, op.engine, context);
    // Precompiled fusions always make sums; nobody may want them.
    scratch_sums_ = choice.tier == Tier::precompiled && op.sums == nullptr;
    convolution_ = context.convolutions.forward(
        convolution_shape(x_, *op.w, y_, op.stride, op.padding, groups_), choice,
        {op.xScale != nullptr, op.residual != nullptr, op.sums != nullptr || scratch_sums_});
  }

  size_t workspace_bytes() const override {
    return aligned(convolution_->workspace_bytes()) + (scratch_sums_ ? sums_bytes() : 0);
  }
  int launches() const override { return static_cast<int>(groups_); }
  int convolution_launches() const override { return static_cast<int>(groups_); }

  void enqueue(const StreamContext& on) const override {
    auto* scratch =
        static_cast<std::byte*>(on.workspace) + aligned(convolution_->workspace_bytes());
    for (uint32_t group = 0; group < groups_; ++group) {
      float* sum = part_of(on.at<float>(op_.sums), sums_bytes(), group);
      if (scratch_sums_) sum = reinterpret_cast<float*>(scratch);
      ConvolutionForward::Operands operands{};
      operands.x = part(on, op_.x, group);
      operands.scale = part(on, op_.xScale, group);
      operands.bias = part(on, op_.xBias, group);
      operands.w = on.at<const void>(op_.w);
      operands.residual = part(on, op_.residual, group);
      operands.y = part_of(on.at<void>(op_.y), group_bytes(op_.y, groups_), group);
      operands.sum = sum;
      operands.square_sum = sum == nullptr ? nullptr : sum + y_.channels;
      operands.workspace = on.workspace;
      convolution_->enqueue(on.runtime, on.stream, operands);
    }
  }

 private:
  void check(const Context& context) const {
    expect_weights("conv.w", op_.w, context);
    expect("conv.xScale", op_.xScale, dtype_of(context.storage), Layout::nhwc8);
    expect("conv.xBias", op_.xBias, dtype_of(context.storage), Layout::nhwc8);
    expect("conv.sums", op_.sums, DType::f32, Layout::nhwc8);
    refuse("conv", "bias", op_.bias != nullptr);
    refuse("conv", "norm of the result", op_.yScale != nullptr || op_.yBias != nullptr);
    refuse("conv", "ReLU of the result", op_.relu);
    refuse("conv", "scale of the residual",
           op_.residualScale != nullptr || op_.residualBias != nullptr);
    refuse("conv", "ReLU of the residual", op_.residualRelu);
    refuse("conv", "residual of another shape",
           residual_ && (op_.residualSubsample != 1 || op_.residual->shape != op_.y->shape));
    const bool whole = op_.xScale != nullptr && op_.xBias != nullptr && op_.xRelu;
    const bool none = op_.xScale == nullptr && op_.xBias == nullptr && !op_.xRelu;
    refuse("conv", "transform of x other than scale, bias and ReLU together", !whole && !none);
  }

  size_t sums_bytes() const { return size_t{2} * y_.channels * sizeof(float); }
  const void* part(const StreamContext& on, const Tensor* tensor, uint32_t group) const {
    return part_of(on.at<const void>(tensor), group_bytes(tensor, groups_), group);
  }

  const ops::Conv& op_;
  FeatureMap x_, y_, residual_;
  uint32_t groups_;
  bool scratch_sums_ = false;
  std::shared_ptr<const ConvolutionForward> convolution_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::Conv& op, const Context& context) {
  return std::make_unique<Conv>(op, context);
}

}  // namespace preresnet::cuda
