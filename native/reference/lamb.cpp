// Adam's direction, decay added, as long for each parameter as the parameter itself.
#include "reference/moments.h"

namespace preresnet::reference {

void run(const ops::Lamb& op, const Call& call) {
  double* weights = values(op.weights);  // P
  double* copies = values(op.copies);    // Q, may be absent

  optimize(op, [&](const Gradients& gradients, double factor) {
    Moments moments(op, call.step);
    for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
      const int64_t begin = op.offsets[segment];
      const int64_t end = begin + op.lengths[segment];
      const double decay = op.decays[segment];
      double of_weights = 0;
      double of_directions = 0;
      for (int64_t i = begin; i < end; ++i) {
        moments.add(i, factor * gradients.at(i));
        const double direction = moments.direction(i) + decay * weights[i];
        of_weights += weights[i] * weights[i];
        of_directions += direction * direction;
      }
      const bool adapts = decay > 0 && of_weights > 0 && of_directions > 0;
      const double ratio = adapts ? std::sqrt(of_weights) / std::sqrt(of_directions) : 1;
      const double rate = op.rates[segment] * call.step.learning_rate * ratio;
      for (int64_t i = begin; i < end; ++i) {
        weights[i] -= rate * (moments.direction(i) + decay * weights[i]);
        if (copies != nullptr && i < op.copies->dim(0)) copies[i] = weights[i];
      }
    }
  });
}

}  // namespace preresnet::reference
