// y = mean over the image of t(x).
#include <algorithm>

#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/passes/average.h"

namespace preresnet::cpu {
namespace {

class BnReluGlobalAveragePoolOperation final : public Operation {
 public:
  BnReluGlobalAveragePoolOperation(const ops::BnReluGlobalAveragePool& op, Context& context)
      : op_(op), context_(context) {
    ScratchPlan plan(context.scratch);
    x_ = activation("bn_relu_global_average_pool.x", op.x);
    expect_plain("bn_relu_global_average_pool.y", op.y, DType::f32);
    scale_ = Coefficients("bn_relu_global_average_pool.scale", op.scale, x_.images, plan);
    bias_ = Coefficients("bn_relu_global_average_pool.bias", op.bias, x_.images, plan);
    sums_ = plan.thread(static_cast<size_t>(x_.blocks()) * 16 * sizeof(double));
  }

  void run(const Step& step) override {
    for (Coefficients* row : {&scale_, &bias_}) row->load(context_.scratch);
    context_.pool.run(step.wanted(x_.images),
                      [&](int thread, int64_t image) { run_image(thread, image); });
  }

 private:
  void run_image(int thread, int64_t image) {
    auto* sums = context_.scratch.at<double>(sums_, thread);
    std::fill_n(sums, x_.blocks() * 16, 0.0);
    passes::run(passes::AveragePass{
        .x = x_.source(image),
        .scale = scale_.row(image),
        .bias = bias_.row(image),
        .relu = op_.relu,
        .blocks = x_.blocks(),
        .pixels = x_.pixels(),
        .sums = sums,
    });
    float* y = op_.y->as<float>() + image * x_.channels;
    for (int64_t c = 0; c < x_.channels; ++c) {
      y[c] = static_cast<float>(sums[c] / static_cast<double>(x_.pixels()));
    }
  }

  const ops::BnReluGlobalAveragePool& op_;
  Context& context_;
  Activation x_;
  Coefficients scale_, bias_;
  ThreadRange sums_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::BnReluGlobalAveragePool& op, Context& context) {
  return std::make_unique<BnReluGlobalAveragePoolOperation>(op, context);
}

}  // namespace preresnet::cpu
