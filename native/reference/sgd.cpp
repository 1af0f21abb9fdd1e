// g' = clip(g) + decay w; v = momentum v + g'; w -= rate * learning rate * (Nesterov ? g' +
// momentum v : v), segment by segment.
#include <cmath>

#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::Sgd& op, const Call& call) {
  const double* gradients = values(op.gradients);  // P
  double* weights = values(op.weights);            // P
  double* velocity = values(op.velocity);          // P

  double clip = 1;
  if (op.clipNorm > 0) {
    double squares = 0;
    for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
      const double* g = gradients + op.offsets[segment];
      for (int64_t i = 0; i < op.lengths[segment]; ++i) squares += g[i] * g[i];
    }
    const double norm = std::sqrt(squares);
    if (norm > op.clipNorm) clip = op.clipNorm / norm;
  }

  for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
    const double rate = op.rates[segment] * call.step.learning_rate;
    for (int64_t i = op.offsets[segment]; i < op.offsets[segment] + op.lengths[segment]; ++i) {
      const double g = clip * gradients[i] + op.decays[segment] * weights[i];
      velocity[i] = op.momentum * velocity[i] + g;
      weights[i] -= rate * (op.nesterov ? g + op.momentum * velocity[i] : velocity[i]);
    }
  }
}

}  // namespace preresnet::reference
