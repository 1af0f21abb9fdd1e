// dx = mask(t(x)) . dy / (H W), with the sums of dx and of dx * x.
#include <algorithm>

#include "cpu/channel_sums.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/passes/input_gradient.h"

namespace preresnet::cpu {
namespace {

class GlobalAveragePoolBackwardOperation final : public Operation {
 public:
  GlobalAveragePoolBackwardOperation(const ops::GlobalAveragePoolBackward& op, Context& context)
      : op_(op), context_(context) {
    ScratchPlan plan(context.scratch);
    expect_plain("global_average_pool_backward.dy", op.dy, DType::f32);
    x_ = activation("global_average_pool_backward.x", op.x);
    dx_ = activation("global_average_pool_backward.dx", op.dx);
    scale_ = Coefficients("global_average_pool_backward.scale", op.scale, x_.images, plan);
    bias_ = Coefficients("global_average_pool_backward.bias", op.bias, x_.images, plan);
    sums_ =
        ChannelSums("global_average_pool_backward.sums", op.sums, x_.images, x_.channels, 2, plan);
    per_channel_ = plan.thread(static_cast<size_t>(x_.blocks()) * 16 * sizeof(float));
  }

  void run(const Step&) override {
    for (Coefficients* row : {&scale_, &bias_}) row->load(context_.scratch);
    sums_.bind(context_.scratch);
    context_.pool.run(x_.images, [&](int thread, int64_t image) { run_image(thread, image); });
    sums_.finish();
  }

 private:
  void run_image(int thread, int64_t image) {
    auto* gradient = context_.scratch.at<float>(per_channel_, thread);
    const float* dy = op_.dy->as<const float>() + image * x_.channels;
    const float share = 1.0f / static_cast<float>(x_.pixels());
    for (int64_t c = 0; c < x_.channels; ++c) gradient[c] = dy[c] * share;
    std::fill_n(gradient + x_.channels, x_.blocks() * 16 - x_.channels, 0.0f);
    sums_.clear(image);
    passes::run(passes::InputGradientPass{
        .per_channel = gradient,
        .x = x_.source(image),
        .scale = scale_.row(image),
        .bias = bias_.row(image),
        .mask = op_.relu,
        .dx = dx_.target(image),
        .blocks = x_.blocks(),
        .pixels = x_.pixels(),
        .sums = sums_.of(image, 0),
        .products = sums_.of(image, 1),
    });
  }

  const ops::GlobalAveragePoolBackward& op_;
  Context& context_;
  Activation x_, dx_;
  Coefficients scale_, bias_;
  ChannelSums sums_;
  ThreadRange per_channel_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::GlobalAveragePoolBackward& op, Context& context) {
  return std::make_unique<GlobalAveragePoolBackwardOperation>(op, context);
}

}  // namespace preresnet::cpu
