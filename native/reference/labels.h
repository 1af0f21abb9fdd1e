// What losses do with labels and logits of their samples, whatever the loss itself is.
#pragma once
#include <string>
#include <vector>

#include "core/error.h"
#include "core/label_weights.h"
#include "interfaces/executor.h"
#include "reference/values.h"

namespace preresnet::reference {

/// Samples that count in all accumulations of the step, on all ranks. Throws ERR_DATASET for a
/// label that is no class.
inline int64_t count_labels(const Tensor& labels, int64_t K, const Step& step) {
  int64_t counted = 0;
  for (int64_t m = 0; m < labels.dim(0); ++m) {
    const int64_t label = labels.as<int32_t>()[m];
    if (label < -1 || label >= K) {
      throw Error("ERR_DATASET", "expected labels from 0 to " + std::to_string(K - 1) +
                                     ", or -1 for padding, got " + std::to_string(label));
    }
    if (label >= 0) ++counted;
  }
  return step.counted >= 0 ? step.counted : counted;
}

/// The sum of the labels' weights where they have some, or their number.
inline double divisor_of(const Tensor& labels, int64_t counted, const std::vector<double>& weights,
                         const Step& step) {
  if (weights.empty()) return static_cast<double>(counted);
  if (step.label_weight >= 0) return step.label_weight;
  return weight_of_labels(labels.as<int32_t>(), labels.dim(0), 1, weights);
}

inline double weight_of(const std::vector<double>& weights, int64_t k) {
  return weights.empty() ? 1 : weights[static_cast<size_t>(k)];
}

/// Share of class k in the target of sample m of all accumulations.
template <class Op>
double target_of(const Op& op, int64_t m, int64_t k) {
  const int64_t K = op.logits->dim(1);
  if (op.targets != nullptr) return values(op.targets)[m * K + k];
  const double own = k == op.labels->template as<int32_t>()[m] ? 1 : 0;
  return (1 - op.smoothing) * own + op.smoothing / static_cast<double>(K);
}

/// Sum of losses, samples that count, and their hits.
class Metrics {
 public:
  /// One that counts.
  void add(double loss, const double* logits, int64_t K, int64_t label) {
    const int64_t before = rank(logits, K, label);
    sums_[0] += loss;
    sums_[1] += 1;
    sums_[2] += before < 1 ? 1 : 0;
    sums_[3] += before < 5 ? 1 : 0;
  }
  void store(const Tensor* metrics) const { std::copy_n(sums_, 4, values(metrics)); }

 private:
  /// Classes that stand before `label` when sorted by logit, equal ones by index.
  static int64_t rank(const double* logits, int64_t K, int64_t label) {
    int64_t before = 0;
    for (int64_t k = 0; k < K; ++k) {
      if (logits[k] > logits[label] || (logits[k] == logits[label] && k < label)) ++before;
    }
    return before;
  }

  double sums_[4] = {};
};

}  // namespace preresnet::reference
