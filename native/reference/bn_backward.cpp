// Sums of d and d * x to the gradients of a norm's parameters, and to a, b, c of dx = a d + b x +
// c.
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::BnBackward& op, const Call&) {
  const int64_t G = op.mean->dim(0);
  const int64_t C = op.mean->dim(1);
  const auto n = static_cast<double>(op.count);
  const double* sums = values(op.sums);      // G 2 C
  const double* weight = values(op.weight);  // C
  const double* mean = values(op.mean);      // G C
  const double* invstd = values(op.invstd);  // G C
  double* dweight = values(op.dweight);      // C, may be absent
  double* dbeta = values(op.dbeta);          // C, may be absent

  if (dweight != nullptr) std::fill_n(dweight, C, 0.0);
  if (dbeta != nullptr) std::fill_n(dbeta, C, 0.0);
  for (int64_t g = 0; g < G; ++g) {
    for (int64_t c = 0; c < C; ++c) {
      const double m = mean[g * C + c];
      const double inverse = invstd[g * C + c];
      const double s = sums[(g * 2 + 0) * C + c];
      const double q = sums[(g * 2 + 1) * C + c];
      const double dweight_g = inverse * (q - m * s);
      const double a = weight[c] * inverse;
      const double b = op.frozen ? 0 : -a * inverse * dweight_g / n;
      if (dweight != nullptr) dweight[c] += dweight_g;
      if (dbeta != nullptr) dbeta[c] += s;
      values(op.a)[g * C + c] = a;
      values(op.b)[g * C + c] = b;
      values(op.c)[g * C + c] = op.frozen ? 0 : -a * s / n - b * m;
    }
  }
}

}  // namespace preresnet::reference
