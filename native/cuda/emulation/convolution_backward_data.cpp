#include <vector>

#include "cuda/emulation/convolution_classes.h"
#include "cuda/emulation/convolution_support.h"
#include "cuda/emulation/stored.h"

namespace preresnet::cuda::emulation {

namespace {

/// Per channel, of what is stored in dx: its sum, and that of its product with x (of the norm: with
/// x - mean).
struct Sums {
  std::vector<double> plain, product;
  explicit Sums(int64_t channels) : plain(channels), product(channels) {}
};

/// The argument of the ReLU of which dx is the gradient.
float activation_input(ConvolutionBackwardData::Fusion fusion,
                       const ConvolutionBackwardData::Operands& operands, int64_t c, float x) {
  if (!fusion.norm) return operands.scale[c] * x + operands.bias[c];
  return operands.weight[c] * ((x - operands.mean[c]) * operands.invstd[c]) + operands.beta[c];
}

void finish_norm(const ConvolutionBackwardData::Operands& operands, const Sums& sums,
                 int64_t count) {
  const auto n = static_cast<double>(count);
  for (size_t c = 0; c < sums.plain.size(); ++c) {
    const double invstd = operands.invstd[c];
    const double dweight = invstd * sums.product[c];
    const double a = operands.weight[c] * invstd;
    const double b = -a * invstd * dweight / n;
    operands.dweight[c] = static_cast<float>(dweight);
    operands.dbeta[c] = static_cast<float>(sums.plain[c]);
    operands.a[c] = static_cast<float>(a);
    operands.b[c] = static_cast<float>(b);
    operands.c[c] = static_cast<float>(-a * sums.plain[c] / n - b * operands.mean[c]);
  }
}

void run(const ConvolutionLoops& loops, ConvolutionBackwardData::Fusion fusion,
         const ConvolutionBackwardData::Operands& operands) {
  const ConvolutionShape& shape = loops.shape;
  const Type type = loops.choice.type;
  const int64_t C = shape.in_channels;
  const int64_t pixels = shape.height * shape.width;
  auto* w = static_cast<float*>(operands.workspace);  // R S K C
  float* dy = w + loops.weights_size();               // P Q K
  float* dx = dy + loops.output_size();               // H W C
  std::vector<float> add(C), x(C);
  Sums sums(C);

  loops.weights_for_backward(operands.w, w);
  for (int64_t n = 0; n < shape.images; ++n) {
    loops.load_operand(operands.dy, n * loops.output_size(), loops.output_size(), dy);
    loops.backward_data(dy, w, dx);
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      const int64_t offset = n * loops.input_size() + pixel * C;
      float* values = dx + pixel * C;
      if (fusion.add) {
        load(type, operands.add, offset, C, add.data());
        for (int64_t c = 0; c < C; ++c) values[c] += add[c];
      }
      if (!fusion.mask) continue;
      load(type, operands.x, offset, C, x.data());
      for (int64_t c = 0; c < C; ++c) {
        if (!(activation_input(fusion, operands, c, x[c]) > 0)) values[c] = 0;
        const double factor = fusion.norm ? static_cast<double>(x[c]) - operands.mean[c] : x[c];
        sums.plain[c] += values[c];
        sums.product[c] += values[c] * factor;
      }
    }
    store(type, dx, loops.input_size(), operands.dx, n * loops.input_size());
  }
  if (fusion.norm) finish_norm(operands, sums, shape.images * pixels);
  for (int64_t c = 0; fusion.sums && c < C; ++c) {
    operands.sum[c] = static_cast<float>(sums.plain[c]);
    operands.product_sum[c] = static_cast<float>(sums.product[c]);
  }
}

}  // namespace

EmulatedBackwardData::EmulatedBackwardData(const ConvolutionShape& shape,
                                           const ConvolutionChoice& choice, Fusion fusion)
    : loops_{shape, choice}, fusion_(fusion) {
  check_support(shape, choice, fusion);
  check_workspace(choice, workspace_bytes());
}

size_t EmulatedBackwardData::workspace_bytes() const {
  return static_cast<size_t>(loops_.weights_size() + loops_.output_size() + loops_.input_size()) *
         sizeof(float);
}

void EmulatedBackwardData::enqueue(Runtime& runtime, Stream stream,
                                   const Operands& operands) const {
  Launch work;
  work.name = "convolution_backward_data";
  work.emulated = [loops = loops_, fusion = fusion_, operands] { run(loops, fusion, operands); };
  runtime.launch(stream, work);
}

}  // namespace preresnet::cuda::emulation
