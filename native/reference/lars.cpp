// Each parameter moves by a share of its own norm (You, Gitman and Ginsburg, 2017, algorithm 1).
#include <cmath>

#include "reference/gradients.h"
#include "reference/operations.h"

namespace preresnet::reference {

namespace {

double ratio_of(double coefficient, double weights, double gradients, double decay) {
  const double divisor = gradients + decay * weights;
  return coefficient > 0 && weights > 0 && divisor > 0 ? coefficient * weights / divisor : 1;
}

}  // namespace

void run(const ops::Lars& op, const Call& call) {
  double* weights = values(op.weights);    // P
  double* velocity = values(op.velocity);  // P
  double* copies = values(op.copies);      // Q, may be absent

  optimize(op, [&](const Gradients& gradients, double factor) {
    for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
      const int64_t begin = op.offsets[segment];
      const int64_t end = begin + op.lengths[segment];
      const double decay = op.decays[segment];
      double of_weights = 0;
      double of_gradients = 0;
      for (int64_t i = begin; i < end; ++i) {
        const double gradient = factor * gradients.at(i);
        of_weights += weights[i] * weights[i];
        of_gradients += gradient * gradient;
      }
      const double ratio =
          ratio_of(op.coefficients[segment], std::sqrt(of_weights), std::sqrt(of_gradients), decay);
      const double rate = op.rates[segment] * call.step.learning_rate * ratio;
      for (int64_t i = begin; i < end; ++i) {
        velocity[i] =
            op.momentum * velocity[i] + rate * (factor * gradients.at(i) + decay * weights[i]);
        weights[i] -= velocity[i];
        if (copies != nullptr && i < op.copies->dim(0)) copies[i] = weights[i];
      }
    }
  });
}

}  // namespace preresnet::reference
