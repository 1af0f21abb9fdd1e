// From two sums over the gradient at a norm's output to everything its backward pass needs: what
// bn_backward and conv_backward_norm share.
#pragma once
#include <cstdint>

namespace preresnet::reference {

/// Of one group of images and channel.
struct NormGradient {
  double dweight, dbeta;  // this group's part
  double a, b, c;         // dx = a d + b x + c
};

/// s = sum of d, q = sum of d * x over n values. With frozen statistics mean and invstd are
/// constants.
inline NormGradient norm_gradient(double s, double q, double weight, double mean, double invstd,
                                  int64_t n, bool frozen) {
  const double dweight = invstd * (q - mean * s);
  const double a = weight * invstd;
  if (frozen) return {dweight, s, a, 0, 0};
  const auto count = static_cast<double>(n);
  const double b = -a * invstd * dweight / count;
  return {dweight, s, a, b, -a * s / count - b * mean};
}

}  // namespace preresnet::reference
