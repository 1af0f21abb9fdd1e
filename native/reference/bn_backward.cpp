// Sums of d and d * x to the gradients of a norm's parameters, and to a, b, c of dx = a d + b x +
// c.
#include "reference/norm_gradient.h"
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::BnBackward& op, const Call&) {
  const int64_t G = op.mean->dim(0);
  const int64_t C = op.mean->dim(1);
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
      const NormGradient gradient =
          norm_gradient(sums[(g * 2 + 0) * C + c], sums[(g * 2 + 1) * C + c], weight[c],
                        mean[g * C + c], invstd[g * C + c], op.count, op.frozen);
      if (dweight != nullptr) dweight[c] += gradient.dweight;
      if (dbeta != nullptr) dbeta[c] += gradient.dbeta;
      values(op.a)[g * C + c] = gradient.a;
      values(op.b)[g * C + c] = gradient.b;
      values(op.c)[g * C + c] = gradient.c;
    }
  }
}

}  // namespace preresnet::reference
