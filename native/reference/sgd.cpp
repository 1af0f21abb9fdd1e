// g' = clip(g) + decay w; v = momentum v + g'; w -= rate * learning rate * (Nesterov ? g' +
// momentum v : v), segment by segment. With a scaler g is without the loss scale, and a step whose
// gradients overflowed is skipped.
#include <cmath>

#include "reference/gradients.h"
#include "reference/operations.h"

namespace preresnet::reference {

namespace {

/// Sum of squares of all segments' gradients, loss scale and all.
double sum_of_squares(const ops::Sgd& op, const Gradients& gradients) {
  double squares = 0;
  for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
    for (int64_t i = op.offsets[segment]; i < op.offsets[segment] + op.lengths[segment]; ++i) {
      squares += gradients.at(i) * gradients.at(i);
    }
  }
  return squares;
}

void update(const ops::Sgd& op, const Gradients& gradients, double learning_rate) {
  const double* scaler = values(op.scaler);  // 8, may be absent
  double* weights = values(op.weights);      // P
  double* velocity = values(op.velocity);    // P
  double* copies = values(op.copies);        // Q, may be absent

  double factor = scaler == nullptr ? 1 : 1 / scaler[kScale];
  if (op.clipNorm > 0) {
    const double squares = scaler == nullptr ? sum_of_squares(op, gradients) : scaler[kSquares];
    const double norm = std::sqrt(squares);
    if (norm > op.clipNorm) factor *= op.clipNorm / norm;
  }
  for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
    const double rate = op.rates[segment] * learning_rate;
    for (int64_t i = op.offsets[segment]; i < op.offsets[segment] + op.lengths[segment]; ++i) {
      const double g = factor * gradients.at(i) + op.decays[segment] * weights[i];
      velocity[i] = op.momentum * velocity[i] + g;
      weights[i] -= rate * (op.nesterov ? g + op.momentum * velocity[i] : velocity[i]);
      if (copies != nullptr && i < op.copies->dim(0)) copies[i] = weights[i];
    }
  }
}

/// The loss scale for the next step.
void adapt(const ops::Sgd& op, double* scaler) {
  const bool overflow = scaler[kOverflow] != 0;
  scaler[kGoodSteps] = overflow ? 0 : scaler[kGoodSteps] + 1;
  if (overflow) scaler[kSkipped] += 1;
  if (op.growthInterval == 0) return;
  if (overflow) {
    scaler[kScale] = std::max(scaler[kScale] / 2, 0x1p-64);
  } else if (scaler[kGoodSteps] >= static_cast<double>(op.growthInterval)) {
    scaler[kScale] = std::min(scaler[kScale] * 2, 0x1p64);
    scaler[kGoodSteps] = 0;
  }
  scaler[kInverse] = 1 / scaler[kScale];
}

}  // namespace

void run(const ops::Sgd& op, const Call& call) {
  double* scaler = values(op.scaler);  // 8, may be absent
  if (scaler == nullptr || scaler[kOverflow] == 0) {
    update(op, Gradients(op.weightGradients, op.gradients), call.step.learning_rate);
  }
  if (scaler != nullptr) adapt(op, scaler);
}

}  // namespace preresnet::reference
