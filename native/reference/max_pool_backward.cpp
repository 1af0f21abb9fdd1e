// dx = mask(t(x)) . (each dy given to the first maximum of its window); sums of dx and dx * x.
#include "reference/operations.h"
#include "reference/pooling.h"

namespace preresnet::reference {

void run(const ops::MaxPoolBackward& op, const Call&) {
  const int64_t N = op.x->dim(0);
  const int64_t C = op.x->dim(1);
  const int64_t H = op.x->dim(2);
  const int64_t W = op.x->dim(3);
  const int64_t P = op.dy->dim(2);
  const int64_t Q = op.dy->dim(3);
  const Transform t(op.scale, op.bias, op.relu);
  Sums sums(op.sums);  // G 2 C

  for (int64_t n = 0; n < N; ++n) {
    for (int64_t c = 0; c < C; ++c) {
      const double* x = values(op.x) + (n * C + c) * H * W;    // H W
      const double* dy = values(op.dy) + (n * C + c) * P * Q;  // P Q
      double* dx = values(op.dx) + (n * C + c) * H * W;        // H W
      std::fill_n(dx, H * W, 0.0);
      for (int64_t p = 0; p < P; ++p) {
        for (int64_t q = 0; q < Q; ++q) {
          const int64_t index = maximum(x, H, W, t, n, N, c, p * op.stride - op.padding,
                                        q * op.stride - op.padding, op.kernel)
                                    .index;
          dx[index] += dy[p * Q + q];
        }
      }
      for (int64_t i = 0; i < H * W; ++i) {
        if (op.relu && !(t.inner(x[i], n, N, c) > 0)) dx[i] = 0;
        sums.add(n, N, c, dx[i], x[i]);
      }
    }
  }
}

}  // namespace preresnet::reference
