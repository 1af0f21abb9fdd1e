// What a convolution multiplies: t(x), which is x through [scale and bias][ReLU].
#pragma once
#include <string>

#include "cpu/onednn.h"
#include "cpu/operands.h"
#include "cpu/partition.h"
#include "cpu/passes/transform.h"

namespace preresnet::cpu {

class ConvInput {
 public:
  /// where: the operation's name. scale and bias may be null.
  ConvInput(const std::string& where, const Tensor* x, const Tensor* scale, const Tensor* bias,
            bool relu, ScratchPlan& plan);

  const Activation& x() const { return x_; }
  /// Whether an algorithm that wants such a type and so many planes (0: blocks) can read x itself.
  bool is_x(bool bf16, int64_t planes) const;
  void load(const Scratch& scratch);
  const float* scale(int64_t image) const { return scale_.row(image); }
  const float* bias(int64_t image) const { return bias_.row(image); }
  /// blocks: of 16 channels.
  passes::TransformPass pass(int64_t image, Range blocks, Destination out) const;
  passes::TransformPass pass(int64_t image, Destination out) const {
    return pass(image, {0, x_.blocks()}, out);
  }

 private:
  Activation x_;
  Coefficients scale_, bias_;
  bool relu_;
};

/// A block of images of it as an algorithm reads them: x itself, or transformed in a thread's
/// scratch.
class BlockInput {
 public:
  /// input: outlives this. images: at most so many in a block.
  BlockInput(const ConvInput& input, const ConvolutionShape& shape, bool bf16, int64_t images,
             ScratchPlan& plan);
  const void* of(const Scratch& scratch, int thread, Range images) const;

 private:
  const ConvInput& input_;
  int64_t planes_, image_elements_;
  bool bf16_, is_x_;
  ThreadRange range_;
};

}  // namespace preresnet::cpu
