// Loss, hits, predictions and the gradient at the logits.
#include "core/error.h"
#include "reference/operations.h"
#include "reference/probabilities.h"
#include "reference/values.h"

namespace preresnet::reference {

namespace {

/// Classes that stand before `label` when sorted by logit, equal ones by index.
int64_t rank(const double* logits, int64_t K, int64_t label) {
  int64_t before = 0;
  for (int64_t k = 0; k < K; ++k) {
    if (logits[k] > logits[label] || (logits[k] == logits[label] && k < label)) ++before;
  }
  return before;
}

void check_label(int64_t label, int64_t K) {
  if (label >= -1 && label < K) return;
  throw Error("ERR_DATASET", "expected labels from 0 to " + std::to_string(K - 1) +
                                 ", or -1 for padding, got " + std::to_string(label));
}

}  // namespace

void run(const ops::SoftmaxCrossEntropy& op, const Call& call) {
  const int64_t N = op.logits->dim(0);
  const int64_t K = op.logits->dim(1);
  const int64_t M = op.labels->dim(0);
  const int64_t first = call.step.first_image(N);
  const auto* all_labels = op.labels->as<int32_t>();  // M
  const auto* labels = all_labels + first;            // N

  int64_t counted_of_all = 0;
  for (int64_t m = 0; m < M; ++m) {
    check_label(all_labels[m], K);
    if (all_labels[m] >= 0) ++counted_of_all;
  }

  const double scale = op.scaler == nullptr ? 1 : values(op.scaler)[0];
  double loss = 0;
  int64_t counted = 0;
  int64_t top1 = 0;
  int64_t top5 = 0;
  for (int64_t n = 0; n < N; ++n) {
    const double* logits = values(op.logits) + n * K;  // K
    const bool counts = labels[n] >= 0;
    const double normalizer = log_sum_exp(logits, K);
    for (int64_t k = 0; k < K; ++k) {
      const double log_p = logits[k] - normalizer;
      const double target = op.targets != nullptr ? values(op.targets)[(first + n) * K + k]
                                                  : (1 - op.smoothing) * (k == labels[n] ? 1 : 0) +
                                                        op.smoothing / static_cast<double>(K);
      // A class of target 0 costs nothing, not even where its probability is 0.
      if (counts && target != 0) loss -= target * log_p;
      if (op.probabilities != nullptr) values(op.probabilities)[n * K + k] = std::exp(log_p);
      if (op.dlogits != nullptr) {
        values(op.dlogits)[n * K + k] =
            counts ? scale * (std::exp(log_p) - target) / static_cast<double>(counted_of_all) : 0;
      }
    }
    if (op.predictions != nullptr) {
      op.predictions->as<int32_t>()[n] =
          static_cast<int32_t>(std::max_element(logits, logits + K) - logits);
    }
    if (counts) ++counted;
    if (counts && rank(logits, K, labels[n]) < 1) ++top1;
    if (counts && rank(logits, K, labels[n]) < 5) ++top5;
  }
  double* metrics = values(op.metrics);  // 4
  metrics[0] = loss;
  metrics[1] = static_cast<double>(counted);
  metrics[2] = static_cast<double>(top1);
  metrics[3] = static_cast<double>(top5);
}

}  // namespace preresnet::reference
