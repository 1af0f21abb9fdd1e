// The gradients of all parameters as one row: what check_gradients and sgd share.
#pragma once
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

}  // namespace preresnet::reference
