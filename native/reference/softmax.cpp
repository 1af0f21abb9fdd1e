// Probabilities of each row.
#include "reference/operations.h"
#include "reference/probabilities.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::Softmax& op, const Call&) {
  const int64_t N = op.logits->dim(0);
  const int64_t K = op.logits->dim(1);
  for (int64_t n = 0; n < N; ++n) {
    const double* logits = values(op.logits) + n * K;          // K
    double* probabilities = values(op.probabilities) + n * K;  // K
    const double normalizer = log_sum_exp(logits, K);
    for (int64_t k = 0; k < K; ++k) probabilities[k] = std::exp(logits[k] - normalizer);
  }
}

}  // namespace preresnet::reference
