// Adam's direction over plain rows of f32: what adamw and lamb share.
#pragma once
#include <cstdint>

namespace preresnet::cpu::passes {

/// m = beta1 m + (1 - beta1) clip g; v = beta2 v + (1 - beta2) (clip g)^2;
/// d = m / first / (sqrt(v / second) + epsilon).
struct MomentsPass {
  float* weights = nullptr;
  const float* gradients = nullptr;
  float* first_moment = nullptr;
  float* second_moment = nullptr;
  int64_t count = 0;
  float clip = 1, beta1 = 0, rest1 = 1, beta2 = 0, rest2 = 1, epsilon = 0;
  float first = 1, second = 1;  // inverses of the corrections of both moments
  float decay = 0, rate = 0;
};

/// Updates the moments; w = (1 - rate decay) w - rate d.
void adamw(const MomentsPass& pass);

/// Updates the moments alone. Adds up sums[0]: squares of w, and sums[1]: of d + decay w.
void lamb_moments(const MomentsPass& pass, double (&sums)[2]);
/// w = w - rate (d + decay w), from moments that are up to date.
void lamb(const MomentsPass& pass);

}  // namespace preresnet::cpu::passes
