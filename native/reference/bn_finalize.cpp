// Sums to mean, invstd, scale and bias per group and channel, and to running statistics; or,
// without sums, from running statistics.
#include <cmath>

#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::BnFinalize& op, const Call& call) {
  const int64_t G = op.mean->dim(0);
  const int64_t C = op.mean->dim(1);
  const auto n = static_cast<double>(op.count);
  const double* sums = values(op.sums);           // G 2 C, may be absent
  const double* weight = values(op.weight);       // C
  const double* beta = values(op.beta);           // C
  double* running_mean = values(op.runningMean);  // C
  double* running_var = values(op.runningVar);    // C

  for (int64_t g = 0; g < G; ++g) {
    for (int64_t c = 0; c < C; ++c) {
      double mean = running_mean[c];
      double var = running_var[c];
      if (sums != nullptr) {
        mean = sums[(g * 2 + 0) * C + c] / n;
        var = std::max(sums[(g * 2 + 1) * C + c] / n - mean * mean, 0.0);
        if (g == 0 && call.step.leads()) {
          running_mean[c] = (1 - op.momentum) * running_mean[c] + op.momentum * mean;
          running_var[c] = (1 - op.momentum) * running_var[c] + op.momentum * var * n / (n - 1);
        }
      }
      const double invstd = 1 / std::sqrt(var + op.epsilon);
      values(op.mean)[g * C + c] = mean;
      values(op.invstd)[g * C + c] = invstd;
      const double scale = weight[c] * invstd;
      const double bias = beta[c] - mean * weight[c] * invstd;
      values(op.scale)[g * C + c] = scale;
      values(op.bias)[g * C + c] = bias;
      if (op.scaleStored == nullptr) continue;
      values(op.scaleStored)[g * C + c] = scale;
      values(op.biasStored)[g * C + c] = bias;
    }
  }
}

}  // namespace preresnet::reference
