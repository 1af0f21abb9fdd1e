// Operands as plain doubles.
#pragma once
#include <algorithm>
#include <cstdint>

#include "core/tensor.h"

namespace preresnet::reference {

/// First element of an operand; null for an optional one that is absent.
inline double* values(const Tensor* tensor) {
  return tensor == nullptr ? nullptr : tensor->as<double>();
}

/// Group of image n: images stand in G consecutive groups of equal size.
inline int64_t group_of(int64_t n, int64_t images, int64_t groups) { return n / (images / groups); }

/// Lets a NaN through, so that what went wrong stays visible.
inline double relu(double value) { return std::max(value, 0.0); }

/// A per-channel operand (G C) that may be absent.
class PerChannel {
 public:
  PerChannel(const Tensor* tensor, double absent) : values_(values(tensor)), absent_(absent) {
    if (tensor == nullptr) return;
    groups_ = tensor->dim(0);
    channels_ = tensor->dim(1);
  }
  /// Of image n among `images`, channel c.
  double at(int64_t n, int64_t images, int64_t c) const {
    return values_ == nullptr ? absent_ : values_[group_of(n, images, groups_) * channels_ + c];
  }

 private:
  const double* values_;
  double absent_;
  int64_t groups_ = 1;
  int64_t channels_ = 0;
};

/// What an operand is read through: t(x) = [ReLU](scale * x + bias), scale and bias per group and
/// channel, 1 and 0 where absent.
class Transform {
 public:
  Transform(const Tensor* scale, const Tensor* bias, bool with_relu)
      : scale_(scale, 1), bias_(bias, 0), relu_(with_relu) {}
  /// Before the ReLU. Its sign is the mask's.
  double inner(double x, int64_t n, int64_t images, int64_t c) const {
    return scale_.at(n, images, c) * x + bias_.at(n, images, c);
  }
  double operator()(double x, int64_t n, int64_t images, int64_t c) const {
    const double value = inner(x, n, images, c);
    return relu_ ? relu(value) : value;
  }

 private:
  PerChannel scale_;
  PerChannel bias_;
  bool relu_;
};

/// Per group of images and channel two sums (G 2 C), or nothing where the operand is absent.
class Sums {
 public:
  explicit Sums(const Tensor* tensor) : values_(values(tensor)) {
    if (tensor == nullptr) return;
    groups_ = tensor->dim(0);
    channels_ = tensor->dim(2);
    std::fill_n(values_, groups_ * 2 * channels_, 0.0);
  }
  /// Adds `value` and `value * factor` of channel c of image n.
  void add(int64_t n, int64_t images, int64_t c, double value, double factor) {
    if (values_ == nullptr) return;
    double* row = values_ + group_of(n, images, groups_) * 2 * channels_;
    row[c] += value;
    row[channels_ + c] += value * factor;
  }

 private:
  double* values_;
  int64_t groups_ = 1;
  int64_t channels_ = 0;
};

}  // namespace preresnet::reference
