// dx = a * d + b * x + c [+ skip].
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::BnApplyBackward& op, const Call&) {
  const int64_t N = op.x->dim(0);
  const int64_t C = op.x->dim(1);
  const int64_t pixels = op.x->dim(2) * op.x->dim(3);
  const double* d = values(op.d);        // N C H W
  const double* x = values(op.x);        // N C H W
  const double* skip = values(op.skip);  // N C H W, may be absent
  double* dx = values(op.dx);            // N C H W
  const PerChannel a(op.a, 1);           // G C
  const PerChannel b(op.b, 0);
  const PerChannel c(op.c, 0);

  for (int64_t n = 0; n < N; ++n) {
    for (int64_t k = 0; k < C; ++k) {
      for (int64_t i = 0; i < pixels; ++i) {
        const int64_t index = (n * C + k) * pixels + i;
        dx[index] = a.at(n, N, k) * d[index] + b.at(n, N, k) * x[index] + c.at(n, N, k) +
                    (skip == nullptr ? 0 : skip[index]);
      }
    }
  }
}

}  // namespace preresnet::reference
