// Weights as the user has them (plain, any number of channels) and as a convolution wants them.
#pragma once
#include <optional>

#include "cpu/context.h"
#include "cpu/operands.h"

namespace preresnet::cpu {

/// The shape of a convolution with channels and filters filled up to whole blocks. Throws where the
/// tensors do not fit together.
ConvolutionShape convolution_shape(const std::string& where, const Activation& x, const Tensor& w,
                                   const Activation& y, int64_t stride, int64_t padding);

/// Copies weights between plain and plain padded to blocks; the identity where nothing needs
/// padding.
class PaddedWeights {
 public:
  PaddedWeights() = default;
  /// copied: in scratch also where nothing needs padding.
  PaddedWeights(const Tensor& w, const ConvolutionShape& shape, ScratchPlan& plan,
                bool copied = false);
  /// Where the padded weights are: the tensor itself, or scratch.
  float* data(const Scratch& scratch) const;
  /// scale: a factor for each filter, only with `copied`; or null.
  void fill(Context& context, const float* scale = nullptr) const;
  /// Takes a gradient out again, from data().
  void extract(const Scratch& scratch) const;

 private:
  const Tensor* w_ = nullptr;
  int64_t filters_ = 0, channels_ = 0, kernel_ = 0, padded_filters_ = 0, padded_channels_ = 0;
  bool copied_ = false;
  SharedRange range_;
};

/// Weights as an algorithm reads them.
class PackedWeights {
 public:
  struct Means {
    int64_t slices = 1;   // equal parts of the filters, each packed for itself
    bool scaled = false;  // by a factor for each filter
    bool kept = false;    // from run to run, while they stand
  };
  /// packing: of one slice; it outlives this.
  PackedWeights(const Tensor& w, const ConvolutionShape& shape, const WeightPacking& packing,
                Means means, ScratchPlan& plan);

  /// Packs them, unless what is kept came from the same weights and factors. scale: a factor for
  /// each filter, or null.
  void pack(Context& context, const Step& step, const float* scale = nullptr,
            bool scale_changed = false);
  std::byte* slice(const Scratch& scratch, int64_t index = 0) const {
    return scratch.at<std::byte>(range_) + static_cast<size_t>(index) * slice_bytes_;
  }

 private:
  const WeightPacking& packing_;
  Means means_;
  PaddedWeights weights_;
  int64_t slice_weights_;
  size_t slice_bytes_;
  SharedRange range_;
  std::optional<uint64_t> version_;  // of the weights that are packed
};

}  // namespace preresnet::cpu
