// Whether all gradients are finite, and the sum of their squares without the loss scale.
#include <cmath>

#include "reference/gradients.h"
#include "reference/operations.h"

namespace preresnet::reference {

void run(const ops::CheckGradients& op, const Call&) {
  const Gradients gradients(op.weightGradients, op.gradients);
  double* scaler = values(op.scaler);  // 8

  bool finite = true;
  double squares = 0;
  for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
    for (int64_t i = op.offsets[segment]; i < op.offsets[segment] + op.lengths[segment]; ++i) {
      const double g = gradients.at(i);
      finite = finite && std::isfinite(g);
      squares += g / scaler[kScale] * (g / scaler[kScale]);
    }
  }
  scaler[kOverflow] = finite ? 0 : 1;
  scaler[kSquares] = squares;
}

}  // namespace preresnet::reference
