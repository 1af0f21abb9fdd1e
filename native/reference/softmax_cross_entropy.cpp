// Loss, hits, predictions and the gradient at the logits.
#include "reference/labels.h"
#include "reference/operations.h"
#include "reference/probabilities.h"

namespace preresnet::reference {

void run(const ops::SoftmaxCrossEntropy& op, const Call& call) {
  const int64_t N = op.logits->dim(0);
  const int64_t K = op.logits->dim(1);
  const int64_t first = call.step.first_image(N);
  const auto* labels = op.labels->as<int32_t>() + first;  // N
  const int64_t counted = count_labels(*op.labels, K, call.step);
  const std::vector<double>& weights = op.classWeights;
  const double divisor = op.targets != nullptr
                             ? static_cast<double>(counted)
                             : divisor_of(*op.labels, counted, weights, call.step);
  const double scale = op.scaler == nullptr ? 1 : values(op.scaler)[0];
  Metrics metrics;
  for (int64_t n = 0; n < N; ++n) {
    const double* logits = values(op.logits) + n * K;  // K
    const bool counts = labels[n] >= 0;
    const double normalizer = log_sum_exp(logits, K);
    double mass = 0;  // of the weighted target
    for (int64_t k = 0; k < K; ++k) mass += weight_of(weights, k) * target_of(op, first + n, k);
    if (weights.empty()) mass = 1;
    double loss = 0;
    for (int64_t k = 0; k < K; ++k) {
      const double log_p = logits[k] - normalizer;
      const double target = weight_of(weights, k) * target_of(op, first + n, k);
      // A class of target 0 costs nothing, not even where its probability is 0.
      if (target != 0) loss -= target * log_p;
      if (op.probabilities != nullptr) values(op.probabilities)[n * K + k] = std::exp(log_p);
      if (op.dlogits != nullptr) {
        values(op.dlogits)[n * K + k] =
            counts ? scale * (std::exp(log_p) * mass - target) / divisor : 0;
      }
    }
    if (op.predictions != nullptr) {
      op.predictions->as<int32_t>()[n] =
          static_cast<int32_t>(std::max_element(logits, logits + K) - logits);
    }
    const double share = static_cast<double>(counted) / divisor;
    if (counts) metrics.add(loss * share, logits, K, labels[n]);
  }
  metrics.store(op.metrics);
}

}  // namespace preresnet::reference
