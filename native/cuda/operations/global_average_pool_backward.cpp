#include "cuda/kernels/global_average_pool.h"
#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class GlobalAveragePoolBackward final : public DeviceOperation {
 public:
  GlobalAveragePoolBackward(const ops::GlobalAveragePoolBackward& op, const Context& context)
      : op_(op),
        type_(context.storage),
        x_(feature_map("global_average_pool_backward.x", op.x, context)),
        dx_(feature_map("global_average_pool_backward.dx", op.dx, context)),
        plan_("global_average_pool_backward", x_, {op.scale, op.bias}, op.sums, context),
        scale_(plan_.vector(op.scale)),
        bias_(plan_.vector(op.bias)),
        sums_(plan_.sums(op.sums)) {
    expect("global_average_pool_backward.dy", op.dy, DType::f32, Layout::plain);
  }

  size_t workspace_bytes() const override { return sums_ ? plan_.workspace_bytes(2) : 0; }

  void enqueue(const StreamContext& on) const override {
    global_average_pool_backward(on.runtime, on.stream, type_, plan_.launch(), sums_.at(on),
                                 {on.at<const float>(op_.dy), on.at<void>(op_.x), scale_.at(on),
                                  bias_.at(on), on.at<void>(op_.dx), static_cast<int>(x_.pixels()),
                                  static_cast<int>(op_.x->dim(1)), op_.relu});
  }

 private:
  const ops::GlobalAveragePoolBackward& op_;
  Type type_;
  FeatureMap x_, dx_;
  ChannelPlan plan_;
  VectorOperand scale_, bias_;
  SumsOperand sums_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::GlobalAveragePoolBackward& op,
                                         const Context& context) {
  return std::make_unique<GlobalAveragePoolBackward>(op, context);
}

}  // namespace preresnet::cuda
