// Loss, hits and the gradient at the logits, where every class is a question of its own.
#include <cmath>

#include "reference/labels.h"
#include "reference/operations.h"

namespace preresnet::reference {

void run(const ops::BinaryCrossEntropy& op, const Call& call) {
  const int64_t N = op.logits->dim(0);
  const int64_t K = op.logits->dim(1);
  const int64_t first = call.step.first_image(N);
  const auto* labels = op.labels->as<int32_t>() + first;  // N
  const auto all = static_cast<double>(K * count_labels(*op.labels, K, call.step));
  const double scale = op.scaler == nullptr ? 1 : values(op.scaler)[0];
  Metrics metrics;
  for (int64_t n = 0; n < N; ++n) {
    const double* logits = values(op.logits) + n * K;  // K
    const bool counts = labels[n] >= 0;
    double loss = 0;
    for (int64_t k = 0; k < K; ++k) {
      const double x = logits[k];
      double target = target_of(op, first + n, k);
      if (op.threshold >= 0) target = target > op.threshold ? 1 : 0;
      // log(1 + e^x), of which nothing overflows.
      const double weight = weight_of(op.classWeights, k);
      loss += weight * (std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))) - target * x);
      values(op.dlogits)[n * K + k] =
          counts ? scale * weight * (1 / (1 + std::exp(-x)) - target) / all : 0;
    }
    if (counts) metrics.add(loss / static_cast<double>(K), logits, K, labels[n]);
  }
  metrics.store(op.metrics);
}

}  // namespace preresnet::reference
