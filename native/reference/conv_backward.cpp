// dy = dA * d + dB * y + dC + skip; dw = dy * t(x); dx = mask(t(x)) . (conv_transposed(dy, w) +
// add); sums of dx and dx * x.
#include "reference/convolution.h"
#include "reference/operations.h"

namespace preresnet::reference {

namespace {

Convolution sizes(const ops::ConvBackward& op) {
  return {*op.x, *op.w, *op.d, op.stride, op.padding};
}

/// The gradient at the convolution's output, of image n: dy (K P Q).
void combine(const ops::ConvBackward& op, const Convolution& conv, int64_t n, double* dy) {
  const double* d = values(op.d);        // N K P Q
  const double* y = values(op.y);        // N K P Q, may be absent
  const double* skip = values(op.skip);  // N K P Q, may be absent
  const PerChannel a(op.dA, 1);
  const PerChannel b(op.dB, 0);
  const PerChannel c(op.dC, 0);
  const int64_t pixels = conv.P * conv.Q;
  for (int64_t k = 0; k < conv.K; ++k) {
    for (int64_t i = 0; i < pixels; ++i) {
      const int64_t index = (n * conv.K + k) * pixels + i;
      double sum = a.at(n, conv.N, k) * d[index] + c.at(n, conv.N, k);
      if (y != nullptr) sum += b.at(n, conv.N, k) * y[index];
      if (skip != nullptr) sum += skip[index];
      dy[k * pixels + i] = sum;
    }
  }
}

}  // namespace

size_t scratch_doubles(const ops::ConvBackward& op) {
  const Convolution conv = sizes(op);
  return 2 * conv.padded_size() + conv.output_size();
}

void run(const ops::ConvBackward& op, const Call& call) {
  const Convolution conv = sizes(op);
  const Transform t(op.xScale, op.xBias, op.xRelu);
  const double* x = values(op.x);                 // N C H W
  const double* add = values(op.add);             // N C H W, may be absent
  double* dw = values(op.dw);                     // K C R S, may be absent
  double* dbias = values(op.dbias);               // K, may be absent
  double* dx = values(op.dx);                     // N C H W, may be absent
  Sums sums(op.sums);                             // G 2 C
  double* padded = call.scratch;                  // C, H + 2 padding, W + 2 padding
  double* dpadded = padded + conv.padded_size();  // the same
  double* dy = dpadded + conv.padded_size();      // K P Q

  if (dw != nullptr) std::fill_n(dw, element_count(*op.dw), 0.0);
  if (dbias != nullptr) std::fill_n(dbias, conv.K, 0.0);
  for (int64_t n = 0; n < conv.N; ++n) {
    combine(op, conv, n, dy);
    if (op.dy != nullptr) {
      std::copy_n(dy, conv.output_size(), values(op.dy) + n * conv.K * conv.P * conv.Q);
    }
    if (dbias != nullptr) {
      for (int64_t k = 0; k < conv.K; ++k) {
        for (int64_t i = 0; i < conv.P * conv.Q; ++i) dbias[k] += dy[k * conv.P * conv.Q + i];
      }
    }
    if (dw != nullptr) {
      conv.pad(x, n, t, padded);
      conv.backward_weights(dy, padded, dw);
    }
    if (dx == nullptr) continue;
    std::fill_n(dpadded, conv.padded_size(), 0.0);
    conv.backward_data(dy, values(op.w), dpadded);
    for (int64_t c = 0; c < conv.C; ++c) {
      for (int64_t h = 0; h < conv.H; ++h) {
        for (int64_t i = 0; i < conv.W; ++i) {
          const int64_t index = ((n * conv.C + c) * conv.H + h) * conv.W + i;
          double gradient =
              dpadded[(c * conv.padded_height() + h + conv.padding) * conv.padded_width() + i +
                      conv.padding];
          if (add != nullptr) gradient += add[index];
          if (op.mask && !(t.inner(x[index], n, conv.N, c) > 0)) gradient = 0;
          dx[index] = gradient;
          sums.add(n, conv.N, c, gradient, x[index]);
        }
      }
    }
  }
}

}  // namespace preresnet::reference
