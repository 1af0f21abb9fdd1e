// dx = mask(t(x)) . (conv_transposed(dy, w) + add), and from its sums what the norm in t needs.
#include "reference/convolution.h"
#include "reference/norm_gradient.h"
#include "reference/operations.h"

namespace preresnet::reference {

namespace {

Convolution sizes(const ops::ConvBackwardNorm& op) {
  return {*op.dx, *op.w, *op.dy, op.stride, op.padding};
}

size_t sums_size(const ops::ConvBackwardNorm& op) {
  return static_cast<size_t>(2 * op.mean->dim(0) * op.mean->dim(1));
}

}  // namespace

size_t scratch_doubles(const ops::ConvBackwardNorm& op) {
  return sizes(op).padded_size() + sums_size(op);
}

void run(const ops::ConvBackwardNorm& op, const Call& call) {
  const Convolution conv = sizes(op);
  const int64_t G = op.mean->dim(0);
  const int64_t C = conv.C;
  const double* x = values(op.x);               // N C H W
  const double* weight = values(op.weight);     // C
  const double* beta = values(op.beta);         // C
  const double* mean = values(op.mean);         // G C
  const double* invstd = values(op.invstd);     // G C
  const double* add = values(op.add);           // N C H W, may be absent
  double* dx = values(op.dx);                   // N C H W
  double* dweight = values(op.dweight);         // C, may be absent
  double* dbeta = values(op.dbeta);             // C, may be absent
  double* dpadded = call.scratch;               // C, H + 2 padding, W + 2 padding
  double* sums = dpadded + conv.padded_size();  // G 2 C

  std::fill_n(sums, sums_size(op), 0.0);
  for (int64_t n = 0; n < conv.N; ++n) {
    const int64_t g = group_of(n, conv.N, G);
    std::fill_n(dpadded, conv.padded_size(), 0.0);
    conv.backward_data(values(op.dy) + n * conv.K * conv.P * conv.Q, values(op.w), dpadded);
    for (int64_t c = 0; c < C; ++c) {
      const double scale = weight[c] * invstd[g * C + c];
      const double bias = beta[c] - mean[g * C + c] * scale;
      for (int64_t h = 0; h < conv.H; ++h) {
        for (int64_t i = 0; i < conv.W; ++i) {
          const int64_t index = ((n * C + c) * conv.H + h) * conv.W + i;
          double gradient =
              dpadded[(c * conv.padded_height() + h + conv.padding) * conv.padded_width() + i +
                      conv.padding];
          if (add != nullptr) gradient += add[index];
          if (!(scale * x[index] + bias > 0)) gradient = 0;
          dx[index] = gradient;
          sums[(g * 2 + 0) * C + c] += gradient;
          sums[(g * 2 + 1) * C + c] += gradient * x[index];
        }
      }
    }
  }

  if (dweight != nullptr) std::fill_n(dweight, C, 0.0);
  if (dbeta != nullptr) std::fill_n(dbeta, C, 0.0);
  for (int64_t g = 0; g < G; ++g) {
    for (int64_t c = 0; c < C; ++c) {
      const NormGradient gradient =
          norm_gradient(sums[(g * 2 + 0) * C + c], sums[(g * 2 + 1) * C + c], weight[c],
                        mean[g * C + c], invstd[g * C + c], op.count, false);
      if (dweight != nullptr) dweight[c] += gradient.dweight;
      if (dbeta != nullptr) dbeta[c] += gradient.dbeta;
      values(op.a)[g * C + c] = gradient.a;
      values(op.b)[g * C + c] = gradient.b;
      values(op.c)[g * C + c] = gradient.c;
    }
  }
}

}  // namespace preresnet::reference
