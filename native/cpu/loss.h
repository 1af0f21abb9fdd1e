// What losses share: labels, targets, hits, and sums over the samples that do not depend on the
// number of threads.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "core/error.h"
#include "core/label_weights.h"
#include "core/tree.h"
#include "cpu/context.h"
#include "cpu/operands.h"

namespace preresnet::cpu {

template <class Op>
class LossOperation : public Operation {
 public:
  LossOperation(const std::string& name, const Op& op, Context& context)
      : op_(op), context_(context), images_(op.logits->dim(0)), classes_(op.logits->dim(1)) {
    expect_plain(name + ".logits", op.logits, DType::f32);
    expect_plain(name + ".labels", op.labels, DType::i32);
    expect_plain(name + ".targets", op.targets, DType::f32);
    expect_none(name + ".scaler", op.scaler);
    expect_plain(name + ".dlogits", op.dlogits, DType::f32);
    expect_plain(name + ".metrics", op.metrics, DType::f64);
    ScratchPlan plan(context.scratch);
    rows_ = plan.shared(static_cast<size_t>(images_) * sizeof(Row));
  }

  void run(const Step& step) override {
    first_ = step.first_image(images_);
    const int64_t own = count();
    const auto counted = static_cast<double>(step.counted >= 0 ? step.counted : own);
    const double divisor =
        !weighs_labels() ? counted
        : step.label_weight >= 0
            ? step.label_weight
            : weight_of_labels(op_.labels->template as<const int32_t>(), op_.labels->dim(0),
                               groups_of_step(), op_.classWeights);
    // Also where no image counts.
    const double share = counted == divisor ? 1 : counted / divisor;
    Row* rows = context_.scratch.at<Row>(rows_);
    context_.pool.run(images_, [&](int, int64_t image) {
      const double loss = run_row(image, divisor) * share;
      rows[image] = {loss, label(image) >= 0 ? rank(logits(image), label(image)) : classes_ + 5};
    });
    std::array<double, 4> metrics{};
    metrics[0] = sum_of_losses(rows);
    for (int64_t image = 0; image < images_; ++image) {
      metrics[1] += label(image) >= 0 ? 1 : 0;
      metrics[2] += rows[image].rank < 1 ? 1 : 0;
      metrics[3] += rows[image].rank < 5 ? 1 : 0;
    }
    std::copy(metrics.begin(), metrics.end(), op_.metrics->template as<double>());
  }

 protected:
  const Op& op() const { return op_; }
  int64_t classes() const { return classes_; }
  const float* logits(int64_t image) const {
    return op_.logits->template as<const float>() + image * classes_;
  }
  int32_t label(int64_t image) const {
    return op_.labels->template as<const int32_t>()[first_ + image];
  }
  double target_of(int64_t image, int64_t k) const {
    if (op_.targets != nullptr) {
      return op_.targets->template as<const float>()[(first_ + image) * classes_ + k];
    }
    const double own = k == label(image) ? 1 - op_.smoothing : 0;
    return own + op_.smoothing / static_cast<double>(classes_);
  }

  double weight_of(int64_t k) const {
    return op_.classWeights.empty() ? 1 : op_.classWeights[static_cast<size_t>(k)];
  }

  /// The loss of one image, 0 where it does not count; writes whatever else is asked for.
  /// `divisor`: the images that count in the step, or the weights of their labels.
  virtual double run_row(int64_t image, double divisor) const = 0;
  virtual bool weighs_labels() const { return false; }

 private:
  struct Row {
    double loss;
    int64_t rank;  // classes that stand before the label's
  };

  int64_t groups_of_step() const { return op_.groups * (op_.labels->dim(0) / images_); }

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

  /// In all accumulations of the step, on this rank.
  int64_t count() const {
    int64_t counted = 0;
    for (int64_t image = 0; image < op_.labels->dim(0); ++image) {
      const int32_t label = op_.labels->template as<const int32_t>()[image];
      if (label < -1 || label >= classes_) {
        throw Error("ERR_DATASET", "expected labels from 0 to " + std::to_string(classes_ - 1) +
                                       ", or -1 for padding, got " + std::to_string(label));
      }
      if (label >= 0) ++counted;
    }
    return counted;
  }

  int64_t rank(const float* logits, int64_t label) const {
    int64_t before = 0;
    for (int64_t k = 0; k < classes_; ++k) {
      if (logits[k] > logits[label] || (logits[k] == logits[label] && k < label)) ++before;
    }
    return before;
  }

  const Op& op_;
  Context& context_;
  int64_t images_, classes_;
  int64_t first_ = 0;  // of the images of the step
  SharedRange rows_;
};

}  // namespace preresnet::cpu
