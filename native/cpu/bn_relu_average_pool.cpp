// y = mean over each window of t(x), zeros outside the image, with the sums of y.
#include "cpu/channel_sums.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/passes/pool.h"

namespace preresnet::cpu {
namespace {

class BnReluAveragePoolOperation final : public Operation {
 public:
  BnReluAveragePoolOperation(const ops::BnReluAveragePool& op, Context& context)
      : op_(op), context_(context) {
    ScratchPlan plan(context.scratch);
    x_ = activation("bn_relu_average_pool.x", op.x);
    y_ = activation("bn_relu_average_pool.y", op.y);
    scale_ = Coefficients("bn_relu_average_pool.scale", op.scale, x_.images, plan);
    bias_ = Coefficients("bn_relu_average_pool.bias", op.bias, x_.images, plan);
    sums_ = ChannelSums("bn_relu_average_pool.sums", op.sums, x_.images, x_.channels, 2, plan);
  }

  void run(const Step& step) override {
    for (Coefficients* row : {&scale_, &bias_}) row->load(context_.scratch);
    sums_.bind(context_.scratch);
    context_.pool.run(step.wanted(x_.images), [&](int, int64_t image) { run_image(image); });
    sums_.finish();
  }

 private:
  void run_image(int64_t image) {
    sums_.clear(image);
    for (int64_t block = 0; block < x_.blocks(); ++block) {
      passes::run(passes::AveragePoolPass{
          .window = {op_.kernel, op_.stride, op_.padding, x_.height, x_.width, y_.height, y_.width},
          .x = x_.source(image),
          .scale = scale_.row(image),
          .bias = bias_.row(image),
          .relu = op_.relu,
          .block = block,
          .y = y_.target(image),
          .sums = sums_ ? sums_.of(image, 0) + block * 16 : nullptr,
          .squares = sums_ ? sums_.of(image, 1) + block * 16 : nullptr,
      });
    }
  }

  const ops::BnReluAveragePool& op_;
  Context& context_;
  Activation x_, y_;
  Coefficients scale_, bias_;
  ChannelSums sums_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::BnReluAveragePool& op, Context& context) {
  return std::make_unique<BnReluAveragePoolOperation>(op, context);
}

}  // namespace preresnet::cpu
