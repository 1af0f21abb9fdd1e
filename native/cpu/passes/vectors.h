// Plain rows of f32.
#pragma once
#include <cstdint>

namespace preresnet::cpu::passes {

/// to[i] += from[i]
void add(float* to, const float* from, int64_t count);

/// Sum of squares, in an order that the count alone decides.
double sum_of_squares(const float* values, int64_t count);

/// One step of stochastic gradient descent:
/// g' = clip * g + decay * w; v = momentum * v + g'; w = w - rate * (nesterov ? g' + momentum * v :
/// v).
struct SgdPass {
  float* weights = nullptr;
  const float* gradients = nullptr;
  float* velocity = nullptr;
  int64_t count = 0;
  float clip = 1, decay = 0, momentum = 0, rate = 0;
  bool nesterov = false;
};
void run(const SgdPass& pass);

}  // namespace preresnet::cpu::passes
