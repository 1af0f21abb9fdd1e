// y = [ReLU](x [+ bias] [+ t(residual)]); sums of y and y * y, or of x where there is no y.
#include "reference/operations.h"
#include "reference/residual.h"

namespace preresnet::reference {

void run(const ops::ResidualAdd& op, const Call&) {
  const int64_t N = op.x->dim(0);
  const int64_t K = op.x->dim(1);
  const int64_t P = op.x->dim(2);
  const int64_t Q = op.x->dim(3);
  const Residual residual(op);
  const double* x = values(op.x);        // N K P Q
  const double* bias = values(op.bias);  // K, may be absent
  double* y = values(op.y);              // N K P Q, may be absent
  Sums sums(op.sums);                    // G 2 K

  for (int64_t n = 0; n < N; ++n) {
    for (int64_t k = 0; k < K; ++k) {
      for (int64_t p = 0; p < P; ++p) {
        for (int64_t q = 0; q < Q; ++q) {
          const int64_t index = ((n * K + k) * P + p) * Q + q;
          double value = x[index] + (bias == nullptr ? 0 : bias[k]) + residual.at(n, k, p, q);
          if (op.relu) value = relu(value);
          if (y != nullptr) y[index] = value;
          sums.add(n, N, k, value, value);
        }
      }
    }
  }
}

}  // namespace preresnet::reference
