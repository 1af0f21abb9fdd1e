// dx = mask(t(x)) . (d [+ add]); sums of dx and dx * x.
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::ReluBackward& op, const Call&) {
  const int64_t N = op.d->dim(0);
  const int64_t C = op.d->dim(1);
  const int64_t pixels = op.d->dim(2) * op.d->dim(3);
  const Transform t(op.xScale, op.xBias, true);
  const double* d = values(op.d);      // N C H W
  const double* add = values(op.add);  // N C H W, may be absent
  const double* x = values(op.x);      // N C H W, may be absent
  double* dx = values(op.dx);          // N C H W
  Sums sums(op.sums);                  // G 2 C

  for (int64_t n = 0; n < N; ++n) {
    for (int64_t c = 0; c < C; ++c) {
      for (int64_t i = 0; i < pixels; ++i) {
        const int64_t index = (n * C + c) * pixels + i;
        double gradient = d[index] + (add == nullptr ? 0 : add[index]);
        if (op.mask && !(t.inner(x[index], n, N, c) > 0)) gradient = 0;
        dx[index] = gradient;
        if (op.sums != nullptr) sums.add(n, N, c, gradient, x[index]);
      }
    }
  }
}

}  // namespace preresnet::reference
