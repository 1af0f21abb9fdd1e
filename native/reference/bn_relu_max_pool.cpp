// y = max over each window of t(x); sums of y and y * y.
#include "reference/operations.h"
#include "reference/pooling.h"

namespace preresnet::reference {

void run(const ops::BnReluMaxPool& op, const Call&) {
  const int64_t N = op.x->dim(0);
  const int64_t C = op.x->dim(1);
  const int64_t H = op.x->dim(2);
  const int64_t W = op.x->dim(3);
  const int64_t P = op.y->dim(2);
  const int64_t Q = op.y->dim(3);
  const Transform t(op.scale, op.bias, op.relu);
  const double* x = values(op.x);  // N C H W
  double* y = values(op.y);        // N C P Q
  Sums sums(op.sums);              // G 2 C

  for (int64_t n = 0; n < N; ++n) {
    for (int64_t c = 0; c < C; ++c) {
      const double* image = x + (n * C + c) * H * W;
      for (int64_t p = 0; p < P; ++p) {
        for (int64_t q = 0; q < Q; ++q) {
          const double best = maximum(image, H, W, t, n, N, c, p * op.stride - op.padding,
                                      q * op.stride - op.padding, op.kernel)
                                  .value;
          y[((n * C + c) * P + p) * Q + q] = best;
          sums.add(n, N, c, best, best);
        }
      }
    }
  }
}

}  // namespace preresnet::reference
