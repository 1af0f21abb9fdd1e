// What the poolings of t(x) share: y from each window, with the sums of y.
#pragma once
#include <memory>
#include <string>

#include "cpu/channel_sums.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/passes/pool.h"

namespace preresnet::cpu {

/// Pass makes one block of channels of one image.
template <class Op, class Pass>
class BnReluPooling final : public Operation {
 public:
  BnReluPooling(const Op& op, Context& context) : op_(op), context_(context) {
    const std::string name = Op::kName;
    ScratchPlan plan(context.scratch);
    x_ = activation(name + ".x", op.x);
    y_ = activation(name + ".y", op.y);
    scale_ = Coefficients(name + ".scale", op.scale, x_.images, plan);
    bias_ = Coefficients(name + ".bias", op.bias, x_.images, plan);
    sums_ = ChannelSums(name + ".sums", op.sums, x_.images, x_.channels, 2, plan);
  }

  void run(const Step& step) override {
    for (Coefficients* row : {&scale_, &bias_}) row->load(context_.scratch);
    sums_.bind(context_.scratch);
    const int64_t blocks = x_.blocks();
    context_.pool.run(step.wanted(x_.images) * blocks,
                      [&](int, int64_t task) { run_block(task / blocks, task % blocks); });
    sums_.finish();
  }

 private:
  void run_block(int64_t image, int64_t block) {
    sums_.clear(image, {block, block + 1});
    passes::run(Pass{
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

  const Op& op_;
  Context& context_;
  Activation x_, y_;
  Coefficients scale_, bias_;
  ChannelSums sums_;
};

}  // namespace preresnet::cpu
