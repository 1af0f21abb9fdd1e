// Loss, hits, predictions and the gradient at the logits, in one pass over each row.
#include <algorithm>
#include <cmath>

#include "cpu/loss.h"
#include "cpu/probabilities.h"

namespace preresnet::cpu {
namespace {

class SoftmaxCrossEntropyOperation final : public LossOperation<ops::SoftmaxCrossEntropy> {
 public:
  SoftmaxCrossEntropyOperation(const ops::SoftmaxCrossEntropy& op, Context& context)
      : LossOperation("softmax_cross_entropy", op, context) {
    expect_plain("softmax_cross_entropy.probabilities", op.probabilities, DType::f32);
    expect_plain("softmax_cross_entropy.predictions", op.predictions, DType::i32);
  }

 private:
  bool weighs_labels() const override {
    return !op().classWeights.empty() && op().targets == nullptr;
  }

  /// Of the weighted target.
  double mass(int64_t image) const {
    if (op().classWeights.empty()) return 1;
    double sum = 0;
    for (int64_t k = 0; k < classes(); ++k) sum += weight_of(k) * target_of(image, k);
    return sum;
  }

  double run_row(int64_t image, double divisor) const override {
    const int64_t at = image * classes();
    const float* row = logits(image);
    const bool counts = label(image) >= 0;
    const double normalizer = log_sum_exp(row, classes());
    const double whole = mass(image);
    double loss = 0;
    for (int64_t k = 0; k < classes(); ++k) {
      const double log_p = row[k] - normalizer;
      const double target = weight_of(k) * target_of(image, k);
      // A class of target 0 costs nothing, not even where its probability is 0.
      if (counts && target != 0) loss -= target * log_p;
      if (op().dlogits == nullptr && op().probabilities == nullptr) continue;
      const double p = std::exp(log_p);
      if (op().probabilities != nullptr) {
        op().probabilities->as<float>()[at + k] = static_cast<float>(p);
      }
      if (op().dlogits != nullptr) {
        op().dlogits->as<float>()[at + k] =
            counts ? static_cast<float>((p * whole - target) / divisor) : 0.0f;
      }
    }
    if (op().predictions != nullptr) {
      op().predictions->as<int32_t>()[image] =
          static_cast<int32_t>(std::max_element(row, row + classes()) - row);
    }
    return loss;
  }
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::SoftmaxCrossEntropy& op, Context& context) {
  return std::make_unique<SoftmaxCrossEntropyOperation>(op, context);
}

}  // namespace preresnet::cpu
