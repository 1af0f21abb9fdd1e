// dx = mask(t(x)) . (each dy given to the first maximum of its window), with the sums of dx and of
// dx * x.
#include "cpu/channel_sums.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/passes/input_gradient.h"
#include "cpu/passes/pool.h"

namespace preresnet::cpu {
namespace {

class MaxPoolBackwardOperation final : public Operation {
 public:
  MaxPoolBackwardOperation(const ops::MaxPoolBackward& op, Context& context)
      : op_(op), context_(context) {
    ScratchPlan plan(context.scratch);
    dy_ = activation("max_pool_backward.dy", op.dy);
    x_ = activation("max_pool_backward.x", op.x);
    dx_ = activation("max_pool_backward.dx", op.dx);
    scale_ = Coefficients("max_pool_backward.scale", op.scale, x_.images, plan);
    bias_ = Coefficients("max_pool_backward.bias", op.bias, x_.images, plan);
    sums_ = ChannelSums("max_pool_backward.sums", op.sums, x_.images, x_.channels, 2, plan);
    gradient_ = plan.thread(static_cast<size_t>(x_.pixels()) * 16 * sizeof(float));
  }

  void run(const Step&) override {
    for (Coefficients* row : {&scale_, &bias_}) row->load(context_.scratch);
    sums_.bind(context_.scratch);
    context_.pool.run(x_.images, [&](int thread, int64_t image) {
      sums_.clear(image);
      for (int64_t block = 0; block < x_.blocks(); ++block) run_block(thread, image, block);
    });
    sums_.finish();
  }

 private:
  void run_block(int thread, int64_t image, int64_t block) {
    float* gradient = context_.scratch.at<float>(gradient_, thread);
    const float* scale = scale_.row(image);
    const float* bias = bias_.row(image);
    passes::run(passes::PoolGradientPass{
        .window = {op_.kernel, op_.stride, op_.padding, x_.height, x_.width, dy_.height, dy_.width},
        .x = x_.source(image),
        .scale = scale,
        .bias = bias,
        .relu = op_.relu,
        .block = block,
        .dy = dy_.source(image),
        .gradient = gradient,
    });
    const int64_t channel = block * 16;
    passes::run(passes::InputGradientPass{
        .gradient = gradient,
        .x = advance(x_.source(image), channel * x_.pixels()),
        .scale = scale == nullptr ? nullptr : scale + channel,
        .bias = bias == nullptr ? nullptr : bias + channel,
        .mask = op_.relu,
        .dx = advance(dx_.target(image), channel * x_.pixels()),
        .blocks = 1,
        .pixels = x_.pixels(),
        .sums = sums_ ? sums_.of(image, 0) + channel : nullptr,
        .products = sums_ ? sums_.of(image, 1) + channel : nullptr,
    });
  }

  const ops::MaxPoolBackward& op_;
  Context& context_;
  Activation dy_, x_, dx_;
  Coefficients scale_, bias_;
  ChannelSums sums_;
  ThreadRange gradient_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::MaxPoolBackward& op, Context& context) {
  return std::make_unique<MaxPoolBackwardOperation>(op, context);
}

}  // namespace preresnet::cpu
