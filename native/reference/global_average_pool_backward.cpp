// dx = mask(t(x)) . dy / (H W); sums of dx and dx * x.
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::GlobalAveragePoolBackward& op, const Call&) {
  const int64_t N = op.x->dim(0);
  const int64_t C = op.x->dim(1);
  const int64_t pixels = op.x->dim(2) * op.x->dim(3);
  const Transform t(op.scale, op.bias, op.relu);
  const double* dy = values(op.dy);  // N C
  const double* x = values(op.x);    // N C H W
  double* dx = values(op.dx);        // N C H W
  Sums sums(op.sums);                // G 2 C

  for (int64_t n = 0; n < N; ++n) {
    for (int64_t c = 0; c < C; ++c) {
      for (int64_t i = 0; i < pixels; ++i) {
        const int64_t index = (n * C + c) * pixels + i;
        const bool masked = op.relu && !(t.inner(x[index], n, N, c) > 0);
        dx[index] = masked ? 0 : dy[n * C + c] / static_cast<double>(pixels);
        sums.add(n, N, c, dx[index], x[index]);
      }
    }
  }
}

}  // namespace preresnet::reference
