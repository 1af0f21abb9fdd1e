// y = [ReLU](scale * x + bias).
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::BnRelu& op, const Call&) {
  const int64_t N = op.x->dim(0);
  const int64_t C = op.x->dim(1);
  const int64_t pixels = op.x->dim(2) * op.x->dim(3);
  const Transform t(op.scale, op.bias, op.relu);
  const double* x = values(op.x);  // N C H W
  double* y = values(op.y);        // N C H W

  for (int64_t n = 0; n < N; ++n) {
    for (int64_t c = 0; c < C; ++c) {
      for (int64_t i = 0; i < pixels; ++i) {
        const int64_t index = (n * C + c) * pixels + i;
        y[index] = t(x[index], n, N, c);
      }
    }
  }
}

}  // namespace preresnet::reference
