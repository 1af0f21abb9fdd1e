// y = max over each window of t(x), with the sums of y.
#include "cpu/channel_sums.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/passes/pool.h"

namespace preresnet::cpu {
namespace {

class BnReluMaxPoolOperation final : public Operation {
 public:
  BnReluMaxPoolOperation(const ops::BnReluMaxPool& op, Context& context)
      : op_(op), context_(context) {
    ScratchPlan plan(context.scratch);
    x_ = activation("bn_relu_max_pool.x", op.x);
    y_ = activation("bn_relu_max_pool.y", op.y);
    scale_ = Coefficients("bn_relu_max_pool.scale", op.scale, x_.images, plan);
    bias_ = Coefficients("bn_relu_max_pool.bias", op.bias, x_.images, plan);
    sums_ = ChannelSums("bn_relu_max_pool.sums", op.sums, x_.images, x_.channels, 2, plan);
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
      passes::run(passes::PoolPass{
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

  const ops::BnReluMaxPool& op_;
  Context& context_;
  Activation x_, y_;
  Coefficients scale_, bias_;
  ChannelSums sums_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::BnReluMaxPool& op, Context& context) {
  return std::make_unique<BnReluMaxPoolOperation>(op, context);
}

}  // namespace preresnet::cpu
