#include "cpu/channel_sums.h"

#include <algorithm>

#include "core/error.h"
#include "core/tree.h"
#include "cpu/operands.h"

namespace preresnet::cpu {

ChannelSums::ChannelSums(const std::string& where, const Tensor* tensor, int64_t images,
                         int64_t channels, int64_t terms, ScratchPlan& plan, int64_t groups)
    : tensor_(tensor),
      wanted_(tensor != nullptr),
      images_(images),
      channels_(channels),
      terms_(terms),
      groups_(groups),
      stride_((channels + 15) / 16 * 16) {
  if (!wanted_) return;
  // Per group in f64, or a bias's gradient in f32.
  if (tensor->shape.size() == 3) {
    expect_plain(where, tensor, DType::f64);
    groups_ = tensor->dim(0);
  } else {
    expect_plain(where, tensor, DType::f32);
  }
  if (groups_ < 1 || images % groups_ != 0) {
    throw Error("ERR_UNSUPPORTED", where + ": expected groups that divide " +
                                       std::to_string(images) + " images, got " +
                                       std::to_string(groups_));
  }
  // More rows: a bias's totals on their way to f32.
  const int64_t rows = images * terms + (tensor->shape.size() == 3 ? 0 : groups_);
  range_ = plan.shared(static_cast<size_t>(rows * stride_) * sizeof(double));
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
  if (tensor_->shape.size() != 3) return finish_gradient();
  const int64_t images = images_ / groups_;
  double* out = tensor_->as<double>();
  for (int64_t group = 0; group < groups_; ++group) {
    for (int64_t term = 0; term < terms_; ++term, out += channels_) {
      total(group * images, images, term, out);
    }
  }
}

void ChannelSums::finish_gradient() const {
  const int64_t images = images_ / groups_;
  double* totals = rows_ + images_ * stride_;
  for (int64_t group = 0; group < groups_; ++group) {
    total(group * images, images, 0, totals + group * stride_);
  }
  for (int64_t channel = 0; channel < channels_; ++channel) {
    TreeSum<float> sum(groups_);
    for (int64_t group = 0; group < groups_; ++group) {
      sum.add(static_cast<float>(totals[group * stride_ + channel]));
    }
    tensor_->as<float>()[channel] = sum.total();
  }
}

}  // namespace preresnet::cpu
