#include "cuda/kernels/head.h"

#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class Head final : public Operation {
 public:
  Head(const ops::Head& op, const Context& context)
      : op_(op),
        type_(context.storage),
        x_(feature_map("head.x", op.x, context)),
        plan_("head", x_, {op.scale, op.bias}, nullptr, context),
        scale_(plan_.vector(op.scale)),
        bias_(plan_.vector(op.bias)) {
    expect("head.y", op.y, DType::f32, Layout::plain);
  }

  void enqueue(const Place& place) const override {
    HeadParameters parameters{};
    parameters.x = place.at<void>(op_.x);
    parameters.scale = scale_.at(place);
    parameters.bias = bias_.at(place);
    parameters.y = place.at<float>(op_.y);
    parameters.images = static_cast<int>(x_.images);
    parameters.pixels = static_cast<int>(x_.pixels());
    parameters.channels = static_cast<int>(op_.x->dim(1));
    parameters.groups = static_cast<int>(plan_.launch().grid.z);
    parameters.relu = op_.relu;
    head(place.runtime, place.stream, type_, parameters);
  }

 private:
  const ops::Head& op_;
  Type type_;
  FeatureMap x_;
  ChannelPlan plan_;
  VectorOperand scale_, bias_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Head& op, const Context& context) {
  return std::make_unique<Head>(op, context);
}

}  // namespace preresnet::cuda
