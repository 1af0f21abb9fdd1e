// dw = dy^T x, dbias = sum of dy, dx = dy w.
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::LinearBackward& op, const Call&) {
  const int64_t N = op.x->dim(0);
  const int64_t C = op.x->dim(1);
  const int64_t K = op.w->dim(0);
  const double* dy = values(op.dy);  // N K
  const double* x = values(op.x);    // N C
  const double* w = values(op.w);    // K C

  if (double* dw = values(op.dw)) {  // K C
    for (int64_t k = 0; k < K; ++k) {
      for (int64_t c = 0; c < C; ++c) {
        double sum = 0;
        for (int64_t n = 0; n < N; ++n) sum += dy[n * K + k] * x[n * C + c];
        dw[k * C + c] = sum;
      }
    }
  }
  if (double* dbias = values(op.dbias)) {  // K
    for (int64_t k = 0; k < K; ++k) {
      double sum = 0;
      for (int64_t n = 0; n < N; ++n) sum += dy[n * K + k];
      dbias[k] = sum;
    }
  }
  if (double* dx = values(op.dx)) {  // N C
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t c = 0; c < C; ++c) {
        double sum = 0;
        for (int64_t k = 0; k < K; ++k) sum += dy[n * K + k] * w[k * C + c];
        dx[n * C + c] = sum;
      }
    }
  }
}

}  // namespace preresnet::reference
