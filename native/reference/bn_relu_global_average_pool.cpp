// y = mean over the image of t(x).
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::BnReluGlobalAveragePool& op, const Call&) {
  const int64_t N = op.x->dim(0);
  const int64_t C = op.x->dim(1);
  const int64_t pixels = op.x->dim(2) * op.x->dim(3);
  const Transform t(op.scale, op.bias, op.relu);
  const double* x = values(op.x);  // N C H W
  double* y = values(op.y);        // N C

  for (int64_t n = 0; n < N; ++n) {
    for (int64_t c = 0; c < C; ++c) {
      double sum = 0;
      for (int64_t i = 0; i < pixels; ++i) sum += t(x[(n * C + c) * pixels + i], n, N, c);
      y[n * C + c] = sum / static_cast<double>(pixels);
    }
  }
}

}  // namespace preresnet::reference
