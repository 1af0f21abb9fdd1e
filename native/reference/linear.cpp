// y = x w^T [+ bias].
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::Linear& op, const Call&) {
  const int64_t N = op.x->dim(0);
  const int64_t C = op.x->dim(1);
  const int64_t K = op.w->dim(0);
  const double* x = values(op.x);        // N C
  const double* w = values(op.w);        // K C
  const double* bias = values(op.bias);  // K, may be absent
  double* y = values(op.y);              // N K

  for (int64_t n = 0; n < N; ++n) {
    for (int64_t k = 0; k < K; ++k) {
      double sum = bias == nullptr ? 0 : bias[k];
      for (int64_t c = 0; c < C; ++c) sum += x[n * C + c] * w[k * C + c];
      y[n * K + k] = sum;
    }
  }
}

}  // namespace preresnet::reference
