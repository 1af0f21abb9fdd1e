// dx = mask(t(x)) . conv_transposed(dy, w); sums of dx and dx * x.
#include "reference/convolution.h"
#include "reference/operations.h"

namespace preresnet::reference {

namespace {

/// x may be absent: dx has its shape.
Convolution sizes(const ops::ConvBackwardData& op) {
  return {*op.dx, *op.w, *op.dy, op.stride, op.padding};
}

}  // namespace

size_t scratch_doubles(const ops::ConvBackwardData& op) { return sizes(op).padded_size(); }

void run(const ops::ConvBackwardData& op, const Call& call) {
  const Convolution conv = sizes(op);
  const Transform t(op.xScale, op.xBias, true);
  const double* dy = values(op.dy);  // N K P Q
  const double* x = values(op.x);    // N C H W, may be absent
  double* dx = values(op.dx);        // N C H W
  Sums sums(op.sums);                // G 2 C
  double* dpadded = call.scratch;    // C, H + 2 padding, W + 2 padding

  for (int64_t n = 0; n < conv.N; ++n) {
    std::fill_n(dpadded, conv.padded_size(), 0.0);
    conv.backward_data(dy + n * conv.K * conv.P * conv.Q, values(op.w), dpadded);
    for (int64_t c = 0; c < conv.C; ++c) {
      for (int64_t h = 0; h < conv.H; ++h) {
        for (int64_t i = 0; i < conv.W; ++i) {
          const int64_t index = ((n * conv.C + c) * conv.H + h) * conv.W + i;
          double gradient =
              dpadded[(c * conv.padded_height() + h + conv.padding) * conv.padded_width() + i +
                      conv.padding];
          if (op.mask && !(t.inner(x[index], n, conv.N, c) > 0)) gradient = 0;
          dx[index] = gradient;
          if (op.sums != nullptr) sums.add(n, conv.N, c, gradient, x[index]);
        }
      }
    }
  }
}

}  // namespace preresnet::reference
