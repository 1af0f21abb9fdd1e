// What becomes of a convolution's result: y = [ReLU](result [+ bias] [* yScale + yBias]
// [+ t(residual)]), with its sums. Of all filters, or of some blocks of 16 of them.
#pragma once
#include "cpu/channel_sums.h"
#include "cpu/operands.h"
#include "cpu/output_norm.h"
#include "cpu/partition.h"
#include "cpu/passes/output.h"
#include "ops/operations.h"

namespace preresnet::cpu {

class ConvOutput {
 public:
  ConvOutput(const ops::Conv& op, int64_t images, ScratchPlan& plan);

  const Activation& y() const { return y_; }
  const OutputNorm& norm() const { return norm_; }
  /// Whether this can be part of a fused algorithm: types and residual are its.
  bool fits_fused() const;
  /// Whether y is the convolution's result.
  bool is_result() const;

  /// Before the tasks of a run.
  void load(const Scratch& scratch);
  /// Clears the sums of an image and returns the pass over it.
  passes::OutputPass start(int64_t image, Range filters, const float* result) const;
  /// After the tasks.
  void finish() const { sums_.finish(); }

 private:
  const ops::Conv& op_;
  Activation y_, residual_;
  Coefficients residual_scale_, residual_bias_;
  ChannelSums sums_;
  OutputNorm norm_;
};

}  // namespace preresnet::cpu
