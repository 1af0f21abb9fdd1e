// Softmax of one row: what softmax and softmax_cross_entropy share.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace preresnet::reference {

/// log(sum of exp(logits)); the largest is taken out first, so that nothing overflows. log p =
/// logit - this.
inline double log_sum_exp(const double* logits, int64_t K) {
  const double largest = *std::max_element(logits, logits + K);
  double sum = 0;
  for (int64_t k = 0; k < K; ++k) sum += std::exp(logits[k] - largest);
  return largest + std::log(sum);
}

}  // namespace preresnet::reference
