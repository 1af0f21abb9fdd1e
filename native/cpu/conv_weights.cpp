#include "cpu/conv_weights.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace preresnet::cpu {
namespace {

int64_t whole_blocks(int64_t channels) { return (channels + 15) / 16 * 16; }

}  // namespace

ConvolutionShape convolution_shape(const std::string& where, const Activation& x, const Tensor& w,
                                   const Activation& y, int64_t stride, int64_t padding) {
  expect_plain(where + ".w", &w, DType::f32);
  ConvolutionShape shape;
  shape.images = x.images;
  shape.channels = whole_blocks(x.channels);
  shape.height = x.height;
  shape.width = x.width;
  shape.filters = whole_blocks(y.channels);
  shape.kernel_height = w.dim(2);
  shape.kernel_width = w.dim(3);
  shape.out_height = y.height;
  shape.out_width = y.width;
  shape.stride = stride;
  shape.padding = padding;
  const bool fits = y.images == x.images && w.dim(0) == y.channels && w.dim(1) == x.channels &&
                    stride >= 1 && (x.height + 2 * padding - w.dim(2)) / stride + 1 == y.height &&
                    (x.width + 2 * padding - w.dim(3)) / stride + 1 == y.width;
  if (!fits) throw Error("ERR_UNSUPPORTED", where + ": expected shapes that fit together");
  return shape;
}

PaddedWeights::PaddedWeights(const Tensor& w, const ConvolutionShape& shape, ScratchPlan& plan,
                             bool copied)
    : w_(&w),
      filters_(w.dim(0)),
      channels_(w.dim(1)),
      kernel_(w.dim(2) * w.dim(3)),
      padded_filters_(shape.filters),
      padded_channels_(shape.in_channels()),
      copied_(copied || filters_ != padded_filters_ || channels_ != padded_channels_) {
  if (copied_) range_ = plan.shared(static_cast<size_t>(shape.weights()) * sizeof(float));
}

float* PaddedWeights::data(const Scratch& scratch) const {
  return copied_ ? scratch.at<float>(range_) : w_->as<float>();
}

void PaddedWeights::fill(Context& context, const float* scale) const {
  if (!copied_) return;
  const float* from = w_->as<const float>();
  float* to = context.scratch.at<float>(range_);
  const int64_t row = channels_ * kernel_, padded_row = padded_channels_ * kernel_;
  context.pool.run((padded_filters_ + 15) / 16, [&](int, int64_t block) {
    for (int64_t filter = 16 * block; filter < std::min(16 * block + 16, padded_filters_);
         ++filter) {
      const int64_t there = filter < filters_ ? row : 0;
      const float* in = from + filter * row;
      float* out = to + filter * padded_row;
      if (scale == nullptr) {
        std::copy_n(in, there, out);
      } else {
        std::transform(in, in + there, out, [=](float w) { return w * scale[filter]; });
      }
      std::fill_n(out + there, padded_row - there, 0.0f);
    }
  });
}

void PaddedWeights::extract(const Scratch& scratch) const {
  if (!copied_) return;
  const float* from = scratch.at<float>(range_);
  float* to = w_->as<float>();
  const int64_t row = channels_ * kernel_;
  for (int64_t filter = 0; filter < filters_; ++filter) {
    std::copy_n(from + filter * padded_channels_ * kernel_, row, to + filter * row);
  }
}

PackedWeights::PackedWeights(const Tensor& w, const ConvolutionShape& shape,
                             const WeightPacking& packing, Means means, ScratchPlan& plan)
    : packing_(packing),
      means_(means),
      weights_(w, shape, plan, means.scaled),
      slice_weights_(shape.weights() / means.slices),
      slice_bytes_((packing.packed_bytes() + 63) / 64 * 64) {
  const size_t bytes = slice_bytes_ * static_cast<size_t>(means.slices);
  range_ = means.kept ? plan.kept(bytes) : plan.shared(bytes);
}

void PackedWeights::pack(Context& context, const Step& step, const float* scale,
                         bool scale_changed) {
  if (means_.kept && version_ == step.weights_version && !scale_changed) return;
  const Scratch& scratch = context.scratch;
  weights_.fill(context, scale);
  const int64_t pieces = packing_.packing_slices();
  context.pool.run(means_.slices * pieces, [&](int thread, int64_t task) {
    const int64_t index = task / pieces;
    packing_.pack(thread, task % pieces, weights_.data(scratch) + index * slice_weights_,
                  slice(scratch, index));
  });
  version_ = step.weights_version;
}

}  // namespace preresnet::cpu
