// The gradient at a convolution's output put together: dy = dA d + dB y + dC + skip, with its sums
// per channel (a bias's gradient).
#pragma once
#include "cpu/channel_sums.h"
#include "cpu/operands.h"
#include "cpu/partition.h"
#include "cpu/passes/gradient.h"
#include "ops/operations.h"

namespace preresnet::cpu {

class OutputGradient {
 public:
  OutputGradient(const ops::ConvBackward& op, int64_t images, ScratchPlan& plan);

  const Activation& d() const { return d_; }
  /// Whether all that is read and stored here is bf16, and no bias wants its gradient.
  bool fits_fused() const;
  /// Before the tasks of a run.
  void load(const Scratch& scratch);
  /// Clears the sums of an image and returns the pass over it.
  passes::GradientPass start(int64_t image, Destination scratch) const;
  /// After the tasks.
  void finish() const { dbias_.finish(); }

 private:
  friend class BlockOutputGradient;
  /// Whether dy is more than d.
  bool composed() const { return a_ || c_ || y_ || skip_ || stored_; }

  Activation d_, y_, skip_, stored_;
  Coefficients a_, b_, c_;
  ChannelSums dbias_;
};

/// A block of images of it as an algorithm reads them: where they stand, or in a thread's scratch.
class BlockOutputGradient {
 public:
  /// gradient: outlives this. images: at most so many in a block.
  BlockOutputGradient(const OutputGradient& gradient, bool bf16, int64_t images, ScratchPlan& plan);
  const void* of(const Scratch& scratch, int thread, Range images) const;

 private:
  /// Where the algorithm finds them.
  enum class Memory { d, stored, scratch };

  const OutputGradient& gradient_;
  bool bf16_, passes_;
  Memory memory_;
  ThreadRange range_;
};

}  // namespace preresnet::cpu
