#include "cpu/channel_sums.h"

#include <algorithm>

#include "core/error.h"
#include "cpu/operands.h"

namespace preresnet::cpu {

ChannelSums::ChannelSums(const std::string& where, const Tensor* tensor, int64_t images,
                         int64_t channels, int64_t terms, ScratchPlan& plan)
    : tensor_(tensor),
      wanted_(tensor != nullptr),
      images_(images),
      channels_(channels),
      terms_(terms),
      stride_((channels + 15) / 16 * 16) {
  if (!wanted_) return;
  // Per group in f64, or a bias's gradient in f32.
  if (tensor->shape.size() == 3) {
    expect_plain(where, tensor, DType::f64);
    if (tensor->dim(0) < 1 || images % tensor->dim(0) != 0) {
      throw Error("ERR_UNSUPPORTED", where + ": expected groups that divide " +
                                         std::to_string(images) + " images, got " +
                                         std::to_string(tensor->dim(0)));
    }
  } else {
    expect_plain(where, tensor, DType::f32);
  }
  // One more row: totals on their way to f32.
  range_ = plan.shared(static_cast<size_t>((images * terms + 1) * stride_) * sizeof(double));
}

void ChannelSums::bind(const Scratch& scratch) {
  if (wanted_) rows_ = scratch.at<double>(range_);
}

void ChannelSums::clear(int64_t image) const {
  if (wanted_) std::fill_n(of(image, 0), terms_ * stride_, 0.0);
}

void ChannelSums::clear(int64_t image, Range blocks) const {
  if (!wanted_) return;
  for (int64_t term = 0; term < terms_; ++term) {
    std::fill_n(of(image, term) + blocks.begin * 16, (blocks.end - blocks.begin) * 16, 0.0);
  }
}

void ChannelSums::total(int64_t first_image, int64_t images, int64_t term, double* out) const {
  std::fill_n(out, channels_, 0.0);
  for (int64_t image = first_image; image < first_image + images; ++image) {
    const double* row = of(image, term);
    for (int64_t channel = 0; channel < channels_; ++channel) out[channel] += row[channel];
  }
}

void ChannelSums::finish() const {
  if (!wanted_) return;
  if (tensor_->shape.size() != 3) {
    double* totals = of(images_, 0);
    total(0, images_, 0, totals);
    std::copy_n(totals, channels_, tensor_->as<float>());
    return;
  }
  const int64_t groups = tensor_->dim(0), images = images_ / groups;
  double* out = tensor_->as<double>();
  for (int64_t group = 0; group < groups; ++group) {
    for (int64_t term = 0; term < terms_; ++term, out += channels_) {
      total(group * images, images, term, out);
    }
  }
}

}  // namespace preresnet::cpu
