// dx = mask(t(x)) . (each dy shared out in equal parts over its window), with the sums of dx and of
// dx * x.
#include "cpu/channel_sums.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/passes/input_gradient.h"
#include "cpu/passes/pool.h"

namespace preresnet::cpu {
namespace {

class AveragePoolBackwardOperation final : public Operation {
 public:
  AveragePoolBackwardOperation(const ops::AveragePoolBackward& op, Context& context)
      : op_(op), context_(context) {
    ScratchPlan plan(context.scratch);
    dy_ = activation("average_pool_backward.dy", op.dy);
    x_ = activation("average_pool_backward.x", op.x);
    dx_ = activation("average_pool_backward.dx", op.dx);
    scale_ = Coefficients("average_pool_backward.scale", op.scale, x_.images, plan);
    bias_ = Coefficients("average_pool_backward.bias", op.bias, x_.images, plan);
    sums_ = ChannelSums("average_pool_backward.sums", op.sums, x_.images, x_.channels, 2, plan);
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
    passes::run(passes::AveragePoolGradientPass{
        .window = {op_.kernel, op_.stride, op_.padding, x_.height, x_.width, dy_.height, dy_.width},
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

  const ops::AveragePoolBackward& op_;
  Context& context_;
  Activation dy_, x_, dx_;
  Coefficients scale_, bias_;
  ChannelSums sums_;
  ThreadRange gradient_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::AveragePoolBackward& op, Context& context) {
  return std::make_unique<AveragePoolBackwardOperation>(op, context);
}

}  // namespace preresnet::cpu
