// Loss, hits, predictions and the gradient at the logits, in one pass over each row.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/tree.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/probabilities.h"

namespace preresnet::cpu {
namespace {

class SoftmaxCrossEntropyOperation final : public Operation {
 public:
  SoftmaxCrossEntropyOperation(const ops::SoftmaxCrossEntropy& op, Context& context)
      : op_(op), context_(context), images_(op.logits->dim(0)), classes_(op.logits->dim(1)) {
    ScratchPlan plan(context.scratch);
    expect_plain("softmax_cross_entropy.logits", op.logits, DType::f32);
    expect_plain("softmax_cross_entropy.labels", op.labels, DType::i32);
    expect_plain("softmax_cross_entropy.targets", op.targets, DType::f32);
    expect_none("softmax_cross_entropy.scaler", op.scaler);
    expect_plain("softmax_cross_entropy.dlogits", op.dlogits, DType::f32);
    expect_plain("softmax_cross_entropy.probabilities", op.probabilities, DType::f32);
    expect_plain("softmax_cross_entropy.predictions", op.predictions, DType::i32);
    expect_plain("softmax_cross_entropy.metrics", op.metrics, DType::f64);
    rows_ = plan.shared(static_cast<size_t>(images_) * sizeof(Row));
  }

  void run(const Step& step) override {
    first_ = step.first_image(images_);
    const double counted = static_cast<double>(count());
    Row* rows = context_.scratch.at<Row>(rows_);
    context_.pool.run(images_, [&](int, int64_t image) { rows[image] = run_row(image, counted); });
    std::array<double, 4> metrics{};
    metrics[0] = sum_of_losses(rows);
    for (int64_t image = 0; image < images_; ++image) {
      metrics[1] += label(image) >= 0 ? 1 : 0;
      metrics[2] += rows[image].rank < 1 ? 1 : 0;
      metrics[3] += rows[image].rank < 5 ? 1 : 0;
    }
    std::copy(metrics.begin(), metrics.end(), op_.metrics->as<double>());
  }

 private:
  struct Row {
    double loss;
    int64_t rank;  // classes that stand before the label's
  };

  double sum_of_losses(const Row* rows) const {
    const int64_t images = images_ / op_.groups;
    TreeSum<double> sums(op_.groups);
    for (int64_t group = 0; group < op_.groups; ++group, rows += images) {
      double sum = 0;
      for (int64_t image = 0; image < images; ++image) sum += rows[image].loss;
      sums.add(sum);
    }
    return sums.total();
  }

  int32_t label(int64_t image) const { return op_.labels->as<const int32_t>()[first_ + image]; }

  /// In all accumulations of the step.
  int64_t count() const {
    int64_t counted = 0;
    for (int64_t image = 0; image < op_.labels->dim(0); ++image) {
      const int32_t label = op_.labels->as<const int32_t>()[image];
      if (label < -1 || label >= classes_) {
        throw Error("ERR_DATASET", "expected labels from 0 to " + std::to_string(classes_ - 1) +
                                       ", or -1 for padding, got " + std::to_string(label));
      }
      if (label >= 0) ++counted;
    }
    return counted;
  }

  Row run_row(int64_t image, double counted) const {
    const int64_t at = image * classes_;
    const float* logits = op_.logits->as<const float>() + at;
    const bool counts = label(image) >= 0;
    const double normalizer = log_sum_exp(logits, classes_);
    double loss = 0;
    for (int64_t k = 0; k < classes_; ++k) {
      const double log_p = logits[k] - normalizer;
      const double target = target_of(image, k);
      // A class of target 0 costs nothing, not even where its probability is 0.
      if (counts && target != 0) loss -= target * log_p;
      if (op_.dlogits == nullptr && op_.probabilities == nullptr) continue;
      const double p = std::exp(log_p);
      if (op_.probabilities != nullptr) {
        op_.probabilities->as<float>()[at + k] = static_cast<float>(p);
      }
      if (op_.dlogits != nullptr) {
        op_.dlogits->as<float>()[at + k] =
            counts ? static_cast<float>((p - target) / counted) : 0.0f;
      }
    }
    if (op_.predictions != nullptr) {
      op_.predictions->as<int32_t>()[image] =
          static_cast<int32_t>(std::max_element(logits, logits + classes_) - logits);
    }
    return {loss, counts ? rank(logits, label(image)) : classes_ + 5};
  }

  double target_of(int64_t image, int64_t k) const {
    if (op_.targets != nullptr)
      return op_.targets->as<const float>()[(first_ + image) * classes_ + k];
    const double own = k == label(image) ? 1 - op_.smoothing : 0;
    return own + op_.smoothing / static_cast<double>(classes_);
  }

  int64_t rank(const float* logits, int64_t label) const {
    int64_t before = 0;
    for (int64_t k = 0; k < classes_; ++k) {
      if (logits[k] > logits[label] || (logits[k] == logits[label] && k < label)) ++before;
    }
    return before;
  }

  const ops::SoftmaxCrossEntropy& op_;
  Context& context_;
  int64_t images_, classes_;
  int64_t first_ = 0;  // of the images of the step
  SharedRange rows_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::SoftmaxCrossEntropy& op, Context& context) {
  return std::make_unique<SoftmaxCrossEntropyOperation>(op, context);
}

}  // namespace preresnet::cpu
