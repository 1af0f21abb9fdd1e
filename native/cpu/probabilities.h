// Softmax of one row of logits, in double: what softmax and softmax_cross_entropy share.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace preresnet::cpu {

/// The logarithm of the sum of exp(logits): log p = logit - this. The largest logit is taken out
/// first, so that nothing overflows.
inline double log_sum_exp(const float* logits, int64_t classes) {
  const double largest = *std::max_element(logits, logits + classes);
  double sum = 0;
  for (int64_t k = 0; k < classes; ++k) sum += std::exp(logits[k] - largest);
  return largest + std::log(sum);
}

}  // namespace preresnet::cpu
