// Probabilities of each row.
#include <cmath>

#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/probabilities.h"

namespace preresnet::cpu {
namespace {

class SoftmaxOperation final : public Operation {
 public:
  SoftmaxOperation(const ops::Softmax& op, Context& context) : op_(op), context_(context) {
    expect_plain("softmax.logits", op.logits, DType::f32);
    expect_plain("softmax.probabilities", op.probabilities, DType::f32);
  }

  void run(const Step& step) override {
    const int64_t classes = op_.logits->dim(1);
    context_.pool.run(step.wanted(op_.logits->dim(0)), [&](int, int64_t row) {
      const float* logits = op_.logits->as<const float>() + row * classes;
      float* probabilities = op_.probabilities->as<float>() + row * classes;
      const double normalizer = log_sum_exp(logits, classes);
      for (int64_t k = 0; k < classes; ++k) {
        probabilities[k] = static_cast<float>(std::exp(logits[k] - normalizer));
      }
    });
  }

 private:
  const ops::Softmax& op_;
  Context& context_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Softmax& op, Context& context) {
  return std::make_unique<SoftmaxOperation>(op, context);
}

}  // namespace preresnet::cpu
