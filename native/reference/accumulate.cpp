// The accumulations of a step, added by a balanced binary tree.
#include <algorithm>

#include "core/tree.h"
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

namespace {

/// One of `times` values: after the last one it is their sum. waiting: one for each level, `row`
/// apart.
void accumulate(double& value, double* waiting, int64_t row, int64_t index, int64_t times) {
  add_to_tree(
      index, times, [&](int64_t level) { value += waiting[level * row]; },
      [&](int64_t level) { waiting[level * row] = value; });
}

}  // namespace

void run(const ops::Accumulate& op, const Call& call) {
  const int64_t R = op.gradients->dim(0);
  const int64_t index = call.step.accumulation;
  double* gradients = values(op.gradients);       // R
  double* waiting = values(op.waitingGradients);  // L R
  for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
    for (int64_t i = op.offsets[segment]; i < op.offsets[segment] + op.lengths[segment]; ++i) {
      accumulate(gradients[i], waiting + i, R, index, op.times);
    }
  }
  if (op.metrics == nullptr) return;
  for (int64_t i = 0; i < 4; ++i) {
    accumulate(values(op.metrics)[i], values(op.waitingMetrics) + i, 4, index, op.times);
  }
}

}  // namespace preresnet::reference
