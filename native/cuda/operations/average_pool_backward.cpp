#include "cuda/kernels/average_pool.h"
#include "cuda/operations/pool.h"

namespace preresnet::cuda {
namespace {

class AveragePoolBackward final : public DeviceOperation {
 public:
  AveragePoolBackward(const ops::AveragePoolBackward& op, const Context& context)
      : op_(op),
        type_(context.storage),
        dy_(feature_map("average_pool_backward.dy", op.dy, context)),
        x_(feature_map("average_pool_backward.x", op.x, context)),
        dx_(feature_map("average_pool_backward.dx", op.dx, context)),
        plan_("average_pool_backward", x_, {op.scale, op.bias}, op.sums, context),
        scale_(plan_.vector(op.scale)),
        bias_(plan_.vector(op.bias)),
        sums_(plan_.sums(op.sums)) {}

  size_t workspace_bytes() const override { return sums_ ? plan_.workspace_bytes(2) : 0; }

  void enqueue(const StreamContext& on) const override {
    average_pool_backward(on.runtime, on.stream, type_, plan_.launch(), sums_.at(on),
                          {on.at<void>(op_.dy), on.at<void>(op_.x), scale_.at(on), bias_.at(on),
                           on.at<void>(op_.dx), pool_sizes(op_, x_, dy_), op_.relu});
  }

 private:
  const ops::AveragePoolBackward& op_;
  Type type_;
  FeatureMap dy_, x_, dx_;
  ChannelPlan plan_;
  VectorOperand scale_, bias_;
  SumsOperand sums_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::AveragePoolBackward& op,
                                         const Context& context) {
  return std::make_unique<AveragePoolBackward>(op, context);
}

}  // namespace preresnet::cuda
