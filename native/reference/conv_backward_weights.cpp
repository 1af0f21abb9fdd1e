// dw = dy * t(x); dbias = sum of dy.
#include "reference/convolution.h"
#include "reference/operations.h"

namespace preresnet::reference {

namespace {

Convolution sizes(const ops::ConvBackwardWeights& op) {
  return {*op.x, *op.dw, *op.dy, op.stride, op.padding};
}

}  // namespace

size_t scratch_doubles(const ops::ConvBackwardWeights& op) { return sizes(op).padded_size(); }

void run(const ops::ConvBackwardWeights& op, const Call& call) {
  const Convolution conv = sizes(op);
  const Transform t(op.xScale, op.xBias, op.xRelu);
  double* dw = values(op.dw);        // K C R S
  double* dbias = values(op.dbias);  // K, may be absent
  double* padded = call.scratch;     // C, H + 2 padding, W + 2 padding

  std::fill_n(dw, element_count(*op.dw), 0.0);
  if (dbias != nullptr) std::fill_n(dbias, conv.K, 0.0);
  for (int64_t n = 0; n < conv.N; ++n) {
    const double* dy = values(op.dy) + n * conv.K * conv.P * conv.Q;  // K P Q
    conv.pad(values(op.x), n, t, padded);
    conv.backward_weights(dy, padded, dw);
    if (dbias == nullptr) continue;
    for (int64_t k = 0; k < conv.K; ++k) {
      for (int64_t i = 0; i < conv.P * conv.Q; ++i) dbias[k] += dy[k * conv.P * conv.Q + i];
    }
  }
}

}  // namespace preresnet::reference
