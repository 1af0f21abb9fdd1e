// The accumulations of a step, added by a balanced binary tree.
#include "core/tree.h"
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::Accumulate& op, const Call& call) {
  const int64_t R = op.gradients->dim(0);
  const int64_t index = call.step.accumulation;
  double* gradients = values(op.gradients);       // R
  double* waiting = values(op.waitingGradients);  // L R
  for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
    for (int64_t i = op.offsets[segment]; i < op.offsets[segment] + op.lengths[segment]; ++i) {
      add_number_to_tree(index, op.times, gradients[i], waiting + i, R);
    }
  }
  if (op.metrics == nullptr) return;
  for (int64_t i = 0; i < 4; ++i) {
    add_number_to_tree(index, op.times, values(op.metrics)[i], values(op.waitingMetrics) + i, 4);
  }
}

}  // namespace preresnet::reference
