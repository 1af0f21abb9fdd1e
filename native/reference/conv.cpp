// y = [ReLU]((conv(t(x), w) [+ bias]) [* yScale + yBias] [+ t(residual)]); sums of y and y * y.
#include "reference/convolution.h"
#include "reference/operations.h"
#include "reference/residual.h"

namespace preresnet::reference {

namespace {

Convolution sizes(const ops::Conv& op) { return {*op.x, *op.w, *op.y, op.stride, op.padding}; }

}  // namespace

size_t scratch_doubles(const ops::Conv& op) { return sizes(op).padded_size(); }

void run(const ops::Conv& op, const Call& call) {
  const Convolution conv = sizes(op);
  const Transform t(op.xScale, op.xBias, op.xRelu);
  const Transform norm(op.yScale, op.yBias, false);
  const Residual residual(op);
  const double* bias = values(op.bias);  // K
  double* y = values(op.y);              // N K P Q
  double* padded = call.scratch;         // C, H + 2 padding, W + 2 padding
  Sums sums(op.sums);                    // G 2 K

  for (int64_t n = 0; n < conv.N; ++n) {
    double* image = y + n * conv.K * conv.P * conv.Q;  // K P Q
    std::fill_n(image, conv.output_size(), 0.0);
    conv.pad(values(op.x), n, t, padded);
    conv.forward(padded, values(op.w), image);
    for (int64_t k = 0; k < conv.K; ++k) {
      for (int64_t p = 0; p < conv.P; ++p) {
        for (int64_t q = 0; q < conv.Q; ++q) {
          double& out = image[(k * conv.P + p) * conv.Q + q];
          out = norm(out + (bias == nullptr ? 0 : bias[k]), n, conv.N, k);
          out += residual.at(n, k, p, q);
          if (op.relu) out = relu(out);
          sums.add(n, conv.N, k, out, out);
        }
      }
    }
  }
}

}  // namespace preresnet::reference
