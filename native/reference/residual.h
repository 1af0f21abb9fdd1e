// A residual as the output of conv or residual_add sees it.
#pragma once
#include "reference/values.h"

namespace preresnet::reference {

/// Subsampled, with zero channels appended (option A), after its transform; 0 where there is none.
class Residual {
 public:
  template <class Op>
  explicit Residual(const Op& op)
      : values_(values(op.residual)),
        transform_(op.residualScale, op.residualBias, op.residualRelu),
        subsample_(op.residualSubsample) {
    if (op.residual == nullptr) return;
    images_ = op.residual->dim(0);
    channels_ = op.residual->dim(1);
    height_ = op.residual->dim(2);
    width_ = op.residual->dim(3);
  }
  double at(int64_t n, int64_t k, int64_t p, int64_t q) const {
    if (values_ == nullptr || k >= channels_) return 0;
    const int64_t index =
        ((n * channels_ + k) * height_ + p * subsample_) * width_ + q * subsample_;
    return transform_(values_[index], n, images_, k);
  }

 private:
  const double* values_;  // N L I J
  Transform transform_;
  int64_t subsample_;
  int64_t images_ = 0;
  int64_t channels_ = 0;
  int64_t height_ = 0;
  int64_t width_ = 0;
};

}  // namespace preresnet::reference
