// Loss, hits and the gradient at the logits, where every class is a question of its own.
#include <algorithm>
#include <cmath>

#include "cpu/loss.h"

namespace preresnet::cpu {
namespace {

class BinaryCrossEntropyOperation final : public LossOperation<ops::BinaryCrossEntropy> {
 public:
  BinaryCrossEntropyOperation(const ops::BinaryCrossEntropy& op, Context& context)
      : LossOperation("binary_cross_entropy", op, context) {}

 private:
  double run_row(int64_t image, double divisor) const override {
    const float* row = logits(image);
    float* dlogits = op().dlogits->as<float>() + image * classes();
    const bool counts = label(image) >= 0;
    const auto all = static_cast<double>(classes());
    double loss = 0;
    for (int64_t k = 0; k < classes(); ++k) {
      const double x = row[k];
      double target = target_of(image, k);
      if (op().threshold >= 0) target = target > op().threshold ? 1 : 0;
      // log(1 + e^x), of which nothing overflows.
      const double weight = weight_of(k);
      loss += weight * (std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))) - target * x);
      const double gradient = weight * (1 / (1 + std::exp(-x)) - target) / (all * divisor);
      dlogits[k] = counts ? static_cast<float>(gradient) : 0.0f;
    }
    return counts ? loss / all : 0;
  }
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::BinaryCrossEntropy& op, Context& context) {
  return std::make_unique<BinaryCrossEntropyOperation>(op, context);
}

}  // namespace preresnet::cpu
