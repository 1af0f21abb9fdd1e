// Moving averages of gradients and of their squares: what adamw and lamb share.
#pragma once
#include <cmath>

#include "reference/gradients.h"
#include "reference/operations.h"

namespace preresnet::reference {

template <class Op>
class Moments {
 public:
  Moments(const Op& op, const Step& step)
      : op_(op), first_(values(op.firstMoment)), second_(values(op.secondMoment)) {
    const double* scaler = values(op.scaler);  // 8, may be absent
    const double skipped = scaler == nullptr ? 0 : scaler[kSkipped];
    const double count = static_cast<double>(step.index) + 1 - skipped;
    first_correction_ = 1 - std::pow(op.beta1, count);
    second_correction_ = 1 - std::pow(op.beta2, count);
  }

  void add(int64_t i, double gradient) {
    first_[i] = op_.beta1 * first_[i] + (1 - op_.beta1) * gradient;
    second_[i] = op_.beta2 * second_[i] + (1 - op_.beta2) * gradient * gradient;
  }
  double direction(int64_t i) const {
    return first_[i] / first_correction_ /
           (std::sqrt(second_[i] / second_correction_) + op_.epsilon);
  }

 private:
  const Op& op_;
  double* first_;   // P
  double* second_;  // P
  double first_correction_, second_correction_;
};

}  // namespace preresnet::reference
