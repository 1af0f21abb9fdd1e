// A convolution of one image, and its two adjoints: what the four convolution operations share.
#pragma once
#include <cstddef>

#include "core/tensor.h"
#include "reference/values.h"

namespace preresnet::reference {

/// Sizes of a convolution of x (N C H W) with w (K C R S) to y (N K P Q).
struct Convolution {
  int64_t N, C, H, W, K, R, S, P, Q, stride, padding;

  Convolution(const Tensor& x, const Tensor& w, const Tensor& y, int64_t stride, int64_t padding);

  int64_t padded_height() const { return H + 2 * padding; }
  int64_t padded_width() const { return W + 2 * padding; }
  /// Doubles of one padded image (C, H + 2 padding, W + 2 padding).
  size_t padded_size() const { return static_cast<size_t>(C * padded_height() * padded_width()); }
  /// Doubles of one output image (K P Q).
  size_t output_size() const { return static_cast<size_t>(K * P * Q); }

  /// padded (C, H + 2 padding, W + 2 padding) = t(x) of image n of x (N C H W) with zeros around
  /// it.
  void pad(const double* x, int64_t n, const Transform& t, double* padded) const;
  /// y (K P Q) += conv(padded, w).
  void forward(const double* padded, const double* w, double* y) const;
  /// dpadded (C, H + 2 padding, W + 2 padding) += conv_transposed(dy, w), dy (K P Q).
  void backward_data(const double* dy, const double* w, double* dpadded) const;
  /// dw (K C R S) += the part of one image.
  void backward_weights(const double* dy, const double* padded, double* dw) const;
};

}  // namespace preresnet::reference
