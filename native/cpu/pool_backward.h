// What the gradients of poolings share: dx = mask(t(x)) . (dy shared out over its windows), with
// the sums of dx and of dx * x.
#pragma once
#include <memory>
#include <string>

#include "cpu/channel_sums.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/passes/input_gradient.h"
#include "cpu/passes/pool.h"

namespace preresnet::cpu {

/// kShareOut, called with a passes::PoolGradientPass, fills its gradient.
template <class Op, auto kShareOut>
class PoolBackward final : public Operation {
 public:
  PoolBackward(const Op& op, Context& context) : op_(op), context_(context) {
    const std::string name = Op::kName;
    ScratchPlan plan(context.scratch);
    dy_ = activation(name + ".dy", op.dy);
    x_ = activation(name + ".x", op.x);
    dx_ = activation(name + ".dx", op.dx);
    scale_ = Coefficients(name + ".scale", op.scale, x_.images, plan);
    bias_ = Coefficients(name + ".bias", op.bias, x_.images, plan);
    sums_ = ChannelSums(name + ".sums", op.sums, x_.images, x_.channels, 2, plan);
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
    kShareOut(passes::PoolGradientPass{
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

  const Op& op_;
  Context& context_;
  Activation dy_, x_, dx_;
  Coefficients scale_, bias_;
  ChannelSums sums_;
  ThreadRange gradient_;
};

}  // namespace preresnet::cpu
