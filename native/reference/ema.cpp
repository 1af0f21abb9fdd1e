// Moving averages of parameters and of running statistics.
#include "reference/gradients.h"
#include "reference/operations.h"

namespace preresnet::reference {

namespace {

void follow(const Tensor* values_now, const Tensor* averages, double share) {
  if (values_now == nullptr) return;
  const double* from = values(values_now);  // P
  double* to = values(averages);            // P
  for (int64_t i = 0; i < averages->dim(0); ++i) to[i] += share * (from[i] - to[i]);
}

}  // namespace

void run(const ops::Ema& op, const Call& call) {
  const double* scaler = values(op.scaler);  // 8, may be absent
  if (scaler != nullptr && scaler[kOverflow] != 0) return;
  const auto skipped = scaler == nullptr ? 0 : static_cast<int64_t>(scaler[kSkipped]);
  const int64_t step = static_cast<int64_t>(call.step.index) - skipped;
  if (step <= op.after) {
    std::copy_n(values(op.weights), op.weights->dim(0), values(op.averages));
    if (op.statistics == nullptr) return;
    std::copy_n(values(op.statistics), op.statistics->dim(0), values(op.averagedStatistics));
  } else if (step % op.every == 0) {
    follow(op.weights, op.averages, 1 - op.decay);
    follow(op.statistics, op.averagedStatistics, 1 - op.decay);
  }
}

}  // namespace preresnet::reference
