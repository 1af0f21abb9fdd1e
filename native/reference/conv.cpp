// y = [ReLU]((conv(t(x), w) [+ bias]) [* yScale + yBias] [+ t(residual)]); sums of y and y * y.
#include "reference/convolution.h"
#include "reference/operations.h"

namespace preresnet::reference {

namespace {

/// The residual as the convolution's output sees it: subsampled, with zero channels appended
/// (option A), after its transform.
class Residual {
 public:
  explicit Residual(const ops::Conv& op)
      : values_(values(op.residual)),
        transform_(op.residualScale, op.residualBias, op.residualRelu),
        subsample_(op.residualSubsample) {
    if (op.residual == nullptr) return;
    images_ = op.residual->dim(0);
    channels_ = op.residual->dim(1);
    height_ = op.residual->dim(2);
    width_ = op.residual->dim(3);
  }
  double at(int64_t n, int64_t k, int64_t p, int64_t q) const {
    if (values_ == nullptr || k >= channels_) return 0;
    const int64_t place =
        ((n * channels_ + k) * height_ + p * subsample_) * width_ + q * subsample_;
    return transform_(values_[place], n, images_, k);
  }

 private:
  const double* values_;  // N L I J
  Transform transform_;
  int64_t subsample_;
  int64_t images_ = 0;
  int64_t channels_ = 0;
  int64_t height_ = 0;
  int64_t width_ = 0;
};

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
