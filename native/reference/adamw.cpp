// Adam whose decay shrinks the weights directly, segment by segment.
#include "reference/moments.h"

namespace preresnet::reference {

void run(const ops::Adamw& op, const Call& call) {
  double* weights = values(op.weights);  // P
  double* copies = values(op.copies);    // Q, may be absent

  optimize(op, [&](const Gradients& gradients, double factor) {
    Moments moments(op, call.step);
    for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
      const double rate = op.rates[segment] * call.step.learning_rate;
      for (int64_t i = op.offsets[segment]; i < op.offsets[segment] + op.lengths[segment]; ++i) {
        moments.add(i, factor * gradients.at(i));
        weights[i] = (1 - rate * op.decays[segment]) * weights[i] - rate * moments.direction(i);
        if (copies != nullptr && i < op.copies->dim(0)) copies[i] = weights[i];
      }
    }
  });
}

}  // namespace preresnet::reference
