// A convolution of one NHWC image and its two adjoints in floats: what the three emulated
// convolutions share.
#pragma once
#include <cstdint>

#include "cuda/convolution.h"

namespace preresnet::cuda::emulation {

struct ConvolutionLoops {
  ConvolutionShape shape;
  ConvolutionChoice choice;

  int64_t input_size() const { return shape.height * shape.width * shape.in_channels; }
  int64_t output_size() const { return shape.out_height * shape.out_width * shape.out_channels; }
  int64_t kernel_size() const { return shape.kernel_height * shape.kernel_width; }
  int64_t weights_size() const { return shape.out_channels * kernel_size() * shape.in_channels; }

  /// Elements first ... first + count as an operand of the products.
  void load_operand(const void* from, int64_t first, int64_t count, float* to) const;
  /// values (pixels x channels of x) become relu(scale x + bias), rounded to the stored type;
  /// scale and bias of that type too. Padding comes after this and is zero.
  void transform(const void* scale, const void* bias, float* values) const;

  /// Stored KRSC weights as RSCK.
  void weights_for_forward(const void* w, float* rsck) const;
  /// Stored KRSC weights as RSKC.
  void weights_for_backward(const void* w, float* rskc) const;
  /// RSKC floats to stored KRSC weights.
  void store_weights(const float* rskc, void* dw) const;

  /// y = conv(x, w), w RSCK.
  void forward(const float* x, const float* rsck, float* y) const;
  /// dx = conv transposed(dy, w), w RSKC.
  void backward_data(const float* dy, const float* rskc, float* dx) const;
  /// dw (RSKC) += the part of one image.
  void backward_weights(const float* dy, const float* x, float* rskc) const;

 private:
  /// visit(tap, y position, x position, count): `count` outputs of a row that meet the image under
  /// tap r S + s; positions in pixels, one output further is `stride` pixels further in x.
  template <class Visitor>
  void each_row(Visitor&& visit) const;
};

}  // namespace preresnet::cuda::emulation
