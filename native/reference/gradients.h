// The gradients of all parameters as one row: what check_gradients and the optimizers share.
#pragma once
#include <algorithm>
#include <cmath>

#include "reference/values.h"

namespace preresnet::reference {

/// Elements [0, Q) lie in weightGradients where that is given, those from Q on in gradients.
class Gradients {
 public:
  Gradients(const Tensor* first, const Tensor* rest)
      : first_(values(first)), rest_(values(rest)), border_(first == nullptr ? 0 : first->dim(0)) {}
  double at(int64_t i) const { return i < border_ ? first_[i] : rest_[i - border_]; }

 private:
  const double* first_;  // Q, may be absent
  const double* rest_;   // R
  int64_t border_;
};

/// Entries of a scaler.
enum Scaler : int64_t { kScale, kInverse, kGoodSteps, kOverflow, kSkipped, kSquares };

/// What an optimizer multiplies gradients with: without the loss scale, and clipped.
template <class Op>
double gradient_factor(const Op& op, const Gradients& gradients) {
  const double* scaler = values(op.scaler);  // 8, may be absent
  const double factor = scaler == nullptr ? 1 : 1 / scaler[kScale];
  if (op.clipNorm == 0) return factor;
  double squares = 0;
  if (scaler != nullptr) {
    squares = scaler[kSquares];
  } else {
    for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
      for (int64_t i = op.offsets[segment]; i < op.offsets[segment] + op.lengths[segment]; ++i) {
        squares += gradients.at(i) * gradients.at(i);
      }
    }
  }
  const double norm = std::sqrt(squares);
  return norm > op.clipNorm ? factor * (op.clipNorm / norm) : factor;
}

/// The loss scale for the next step.
inline void adapt(int64_t growth_interval, double* scaler) {
  const bool overflow = scaler[kOverflow] != 0;
  scaler[kGoodSteps] = overflow ? 0 : scaler[kGoodSteps] + 1;
  if (overflow) scaler[kSkipped] += 1;
  if (growth_interval == 0) return;
  if (overflow) {
    scaler[kScale] = std::max(scaler[kScale] / 2, 0x1p-64);
  } else if (scaler[kGoodSteps] >= static_cast<double>(growth_interval)) {
    scaler[kScale] = std::min(scaler[kScale] * 2, 0x1p64);
    scaler[kGoodSteps] = 0;
  }
  scaler[kInverse] = 1 / scaler[kScale];
}

/// One step of an optimizer: `update` where gradients did not overflow, then the scaler.
template <class Op, class Update>
void optimize(const Op& op, Update&& update) {
  double* scaler = values(op.scaler);  // 8, may be absent
  if (scaler == nullptr || scaler[kOverflow] == 0) {
    const Gradients gradients(op.weightGradients, op.gradients);
    update(gradients, gradient_factor(op, gradients));
  }
  if (scaler != nullptr) adapt(op.growthInterval, scaler);
}

}  // namespace preresnet::reference
