// g' = clip(g) + decay w; v = momentum v + g'; w -= rate * learning rate * (Nesterov ? g' +
// momentum v : v), segment by segment. With a scaler g is without the loss scale, and a step whose
// gradients overflowed is skipped.
#include "reference/gradients.h"
#include "reference/operations.h"

namespace preresnet::reference {

void run(const ops::Sgd& op, const Call& call) {
  double* weights = values(op.weights);    // P
  double* velocity = values(op.velocity);  // P
  double* copies = values(op.copies);      // Q, may be absent

  optimize(op, [&](const Gradients& gradients, double factor) {
    for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
      const double rate = op.rates[segment] * call.step.learning_rate;
      for (int64_t i = op.offsets[segment]; i < op.offsets[segment] + op.lengths[segment]; ++i) {
        const double g = factor * gradients.at(i) + op.decays[segment] * weights[i];
        velocity[i] = op.momentum * velocity[i] + g;
        weights[i] -= rate * (op.nesterov ? g + op.momentum * velocity[i] : velocity[i]);
        if (copies != nullptr && i < op.copies->dim(0)) copies[i] = weights[i];
      }
    }
  });
}

}  // namespace preresnet::reference
