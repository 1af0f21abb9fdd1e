// What a convolution's result goes through per channel, (result [+ bias]) [* scale + shift]: one
// multiplication and one addition; or the addition alone, with the scale multiplied into packed
// weights.
#pragma once
#include "cpu/operands.h"

namespace preresnet::cpu {

class OutputNorm {
 public:
  OutputNorm() = default;
  /// bias [K], scale and shift [G, K]; each may be null. into_weights: the caller scales its
  /// weights by weight_scale(), and where it keeps them packs them again when weights_changed()
  /// says so.
  OutputNorm(const std::string& where, const Tensor* bias, const Tensor* scale, const Tensor* shift,
             int64_t images, bool into_weights, ScratchPlan& plan);

  explicit operator bool() const { return bias_ || scale_; }
  /// Whether weights are scaled.
  bool folds() const { return folds_; }

  /// Reads the tensors. Called once a run, before what follows.
  void load(const Scratch& scratch);
  /// One factor a filter, padded to whole blocks; null: weights stay what they are.
  const float* weight_scale() const { return folds_ ? scale_.row(0) : nullptr; }
  /// Whether the factors are others than those of the run before.
  bool weights_changed() const { return changed_; }
  /// Rows of whole blocks; null: 1 and 0.
  const float* scale(int64_t image) const { return folds_ ? nullptr : scale_.row(image); }
  const float* bias(int64_t image) const;

 private:
  Coefficients bias_, scale_, shift_;
  bool folds_ = false, changed_ = false;
  int64_t groups_ = 1, images_per_group_ = 1, stride_ = 0;
  SharedRange last_scale_, combined_;
  const float* combined_rows_ = nullptr;
};

}  // namespace preresnet::cpu
