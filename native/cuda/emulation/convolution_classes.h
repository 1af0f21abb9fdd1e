// The emulated convolutions: plain loops, one image at a time, in the workspace that a real one
// would have. What is known of cuDNN's rounding is kept: operands and results have the stored type,
// products are added in fp32, sums are of results before they are rounded.
#pragma once
#include "cuda/emulation/convolution_loops.h"

namespace preresnet::cuda::emulation {

class EmulatedForward final : public ConvolutionForward {
 public:
  EmulatedForward(const ConvolutionShape&, const ConvolutionChoice&, Fusion);
  size_t workspace_bytes() const override;
  int engines() const override { return 1; }
  void enqueue(Runtime&, Stream, const Operands&) const override;

 private:
  ConvolutionLoops loops_;
  Fusion fusion_;
};

class EmulatedBackwardData final : public ConvolutionBackwardData {
 public:
  EmulatedBackwardData(const ConvolutionShape&, const ConvolutionChoice&, Fusion);
  size_t workspace_bytes() const override;
  int engines() const override { return 1; }
  void enqueue(Runtime&, Stream, const Operands&) const override;

 private:
  ConvolutionLoops loops_;
  Fusion fusion_;
};

class EmulatedBackwardWeights final : public ConvolutionBackwardWeights {
 public:
  EmulatedBackwardWeights(const ConvolutionShape&, const ConvolutionChoice&, Fusion);
  size_t workspace_bytes() const override;
  int engines() const override { return 1; }
  void enqueue(Runtime&, Stream, const Operands&) const override;

 private:
  ConvolutionLoops loops_;
  Fusion fusion_;
};

}  // namespace preresnet::cuda::emulation
