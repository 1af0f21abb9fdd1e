#include "cuda/kernels/head.h"
#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class HeadBackward final : public Operation {
 public:
  HeadBackward(const ops::HeadBackward& op, const Context& context)
      : op_(op),
        type_(context.storage),
        x_(feature_map("head_backward.x", op.x, context)),
        dx_(feature_map("head_backward.dx", op.dx, context)),
        plan_("head_backward", x_, {op.scale, op.bias}, op.sums, context),
        scale_(plan_.vector(op.scale)),
        bias_(plan_.vector(op.bias)),
        sums_(plan_.sums(op.sums)) {
    expect("head_backward.dy", op.dy, DType::f32, Layout::plain);
  }

  size_t workspace_bytes() const override { return sums_ ? plan_.workspace_bytes(2) : 0; }

  void enqueue(const Place& place) const override {
    head_backward(place.runtime, place.stream, type_, plan_.launch(), sums_.at(place),
                  {place.at<const float>(op_.dy), place.at<void>(op_.x), scale_.at(place),
                   bias_.at(place), place.at<void>(op_.dx), static_cast<int>(x_.pixels()),
                   static_cast<int>(op_.x->dim(1)), op_.relu});
  }

 private:
  const ops::HeadBackward& op_;
  Type type_;
  FeatureMap x_, dx_;
  ChannelPlan plan_;
  VectorOperand scale_, bias_;
  SumsOperand sums_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::HeadBackward& op, const Context& context) {
  return std::make_unique<HeadBackward>(op, context);
}

}  // namespace preresnet::cuda
