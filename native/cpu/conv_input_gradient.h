// What becomes of the gradient at a convolution's input: dx = [mask(t(x))] (gradient [+ add]), with
// the sums of it and of its products with x.
#pragma once
#include "cpu/channel_sums.h"
#include "cpu/conv_input.h"
#include "cpu/passes/input_gradient.h"
#include "ops/operations.h"

namespace preresnet::cpu {

class ConvInputGradient {
 public:
  ConvInputGradient(const ops::ConvBackward& op, const Activation& x, ScratchPlan& plan);

  const Activation& dx() const { return dx_; }
  /// Whether all that is read and stored here is bf16.
  bool fits_fused() const { return all_bf16({add_, dx_}); }
  /// Whether dx is the convolution's result.
  bool is_result() const { return !dx_.bf16 && !add_ && !mask_ && !sums_; }
  /// Before the tasks of a run.
  void load(const Scratch& scratch) { sums_.bind(scratch); }
  /// Clears the sums of an image and returns the pass over it.
  passes::InputGradientPass start(int64_t image, const ConvInput& input,
                                  const float* gradient) const;
  /// After the tasks.
  void finish() const { sums_.finish(); }

 private:
  Activation add_, dx_;
  bool mask_;
  ChannelSums sums_;
};

}  // namespace preresnet::cpu
