// Weights as the user has them (plain, any number of channels) and as a convolution wants them.
#pragma once
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
  void fill(const Scratch& scratch, const float* scale = nullptr) const;
  /// Takes a gradient out again, from data().
  void extract(const Scratch& scratch) const;

 private:
  const Tensor* w_ = nullptr;
  int64_t filters_ = 0, channels_ = 0, kernel_ = 0, padded_filters_ = 0, padded_channels_ = 0;
  bool copied_ = false;
  SharedRange range_;
};

}  // namespace preresnet::cpu
