#include "cpu/output_norm.h"

#include <algorithm>

namespace preresnet::cpu {

OutputNorm::OutputNorm(const std::string& where, const Tensor* bias, const Tensor* scale,
                       const Tensor* shift, int64_t images, bool into_weights, ScratchPlan& plan)
    : bias_(where + ".bias", bias, images, plan),
      scale_(where + ".yScale", scale, images, plan),
      shift_(where + ".yBias", shift, images, plan) {
  if (scale == nullptr) return;
  groups_ = scale->dim(0);
  images_per_group_ = images / groups_;
  stride_ = 16 * scale_.blocks();
  folds_ = into_weights && groups_ == 1;
  if (folds_) last_scale_ = plan.kept(static_cast<size_t>(stride_) * sizeof(float));
  if (bias_) combined_ = plan.shared(static_cast<size_t>(groups_ * stride_) * sizeof(float));
}

void OutputNorm::load(const Scratch& scratch) {
  for (Coefficients* rows : {&bias_, &scale_, &shift_}) rows->load(scratch);
  if (folds_) {
    const float* now = scale_.row(0);
    float* last = scratch.at<float>(last_scale_);
    changed_ = !std::equal(now, now + stride_, last);
    if (changed_) std::copy_n(now, stride_, last);
  }
  if (!bias_ || !scale_) return;
  float* rows = scratch.at<float>(combined_);
  for (int64_t group = 0; group < groups_; ++group) {
    const float* factor = scale_.row(group * images_per_group_);
    const float* shift = shift_.row(group * images_per_group_);
    for (int64_t k = 0; k < stride_; ++k) {
      rows[group * stride_ + k] = bias_.row(0)[k] * factor[k] + shift[k];
    }
  }
  combined_rows_ = rows;
}

const float* OutputNorm::bias(int64_t image) const {
  if (!scale_) return bias_.row(image);
  if (!bias_) return shift_.row(image);
  return combined_rows_ + image / images_per_group_ * stride_;
}

}  // namespace preresnet::cpu
