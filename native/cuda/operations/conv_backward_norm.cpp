// dx = mask . (conv transposed(dy, w) + add) and the gradients of the norm in the mask, as one
// launch of cuDNN a group. Several groups' dweight and dbeta are added afterwards.
#include "core/error.h"
#include "cuda/kernels/group_sums.h"
#include "cuda/operations/convolution_operands.h"

namespace preresnet::cuda {
namespace {

class ConvBackwardNorm final : public DeviceOperation {
 public:
  ConvBackwardNorm(const ops::ConvBackwardNorm& op, const Context& context)
      : op_(op),
        dy_(feature_map("conv_backward_norm.dy", op.dy, context)),
        x_(feature_map("conv_backward_norm.x", op.x, context)),
        add_(feature_map("conv_backward_norm.add", op.add, context)),
        dx_(feature_map("conv_backward_norm.dx", op.dx, context)),
        groups_(statistics_groups({op.mean})) {
    expect_weights("conv_backward_norm.w", op.w, context);
    for (const Tensor* tensor :
         {op.weight, op.beta, op.mean, op.invstd, op.dweight, op.dbeta, op.a, op.b, op.c}) {
      expect("conv_backward_norm", tensor, DType::f32, Layout::nhwc8);
    }
    const int64_t count = int64_t{x_.rows()} / groups_;
    if (op.count != count) {
      throw Error("ERR_UNSUPPORTED", "conv_backward_norm: expected count " + std::to_string(count) +
                                         " on CUDA, got " + std::to_string(op.count));
    }
    convolution_ = context.convolutions.backward_data(
        convolution_shape(dx_, *op.w, dy_, op.stride, op.padding, groups_),
        convolution_choice(op.tier, op.engine, context), {op.add != nullptr, true, false, true});
  }

  size_t workspace_bytes() const override {
    return aligned(convolution_->workspace_bytes()) + 2 * scratch_bytes();
  }
  int launches() const override {
    const bool added = groups_ > 1;
    return convolution_launches() + (added && op_.dweight != nullptr) +
           (added && op_.dbeta != nullptr);
  }
  int convolution_launches() const override { return static_cast<int>(groups_); }

  void enqueue(const StreamContext& on) const override {
    float* dweight = gradient(on, op_.dweight, 0);
    float* dbeta = gradient(on, op_.dbeta, 1);
    for (uint32_t group = 0; group < groups_; ++group) {
      const auto part = [&]<class T>(T* data, const Tensor* tensor) {
        return part_of(data, group_bytes(tensor, groups_), group);
      };
      ConvolutionBackwardData::Operands operands{};
      operands.dy = part(on.at<const void>(op_.dy), op_.dy);
      operands.w = on.at<const void>(op_.w);
      operands.add = part(on.at<const void>(op_.add), op_.add);
      operands.x = part(on.at<const void>(op_.x), op_.x);
      operands.mean = part(on.at<const float>(op_.mean), op_.mean);
      operands.invstd = part(on.at<const float>(op_.invstd), op_.invstd);
      operands.weight = on.at<const float>(op_.weight);
      operands.beta = on.at<const float>(op_.beta);
      operands.dx = part(on.at<void>(op_.dx), op_.dx);
      operands.dweight = dweight + size_t{group} * dx_.channels;
      operands.dbeta = dbeta + size_t{group} * dx_.channels;
      operands.a = part(on.at<float>(op_.a), op_.a);
      operands.b = part(on.at<float>(op_.b), op_.b);
      operands.c = part(on.at<float>(op_.c), op_.c);
      operands.workspace = on.workspace;
      convolution_->enqueue(on.runtime, on.stream, operands);
    }
    if (groups_ == 1) return;
    add_groups(on, dweight, op_.dweight);
    add_groups(on, dbeta, op_.dbeta);
  }

 private:
  size_t scratch_bytes() const { return aligned(size_t{groups_} * dx_.channels * sizeof(float)); }

  /// Where the launches write a gradient, one row a group: in place where there is one group and
  /// somebody wants it.
  float* gradient(const StreamContext& on, const Tensor* tensor, size_t index) const {
    if (groups_ == 1 && tensor != nullptr) return on.at<float>(tensor);
    return reinterpret_cast<float*>(static_cast<std::byte*>(on.workspace) +
                                    aligned(convolution_->workspace_bytes()) +
                                    index * scratch_bytes());
  }

  void add_groups(const StreamContext& on, const float* rows, const Tensor* to) const {
    if (to == nullptr) return;
    group_sums(on.runtime, on.stream, Type::f32, rows, on.at<void>(to), static_cast<int>(groups_),
               dx_.channels);
  }

  const ops::ConvBackwardNorm& op_;
  FeatureMap dy_, x_, add_, dx_;
  uint32_t groups_;
  std::shared_ptr<const ConvolutionBackwardData> convolution_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::ConvBackwardNorm& op, const Context& context) {
  return std::make_unique<ConvBackwardNorm>(op, context);
}

}  // namespace preresnet::cuda
