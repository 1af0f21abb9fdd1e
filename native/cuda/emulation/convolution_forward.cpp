#include <vector>

#include "cuda/emulation/convolution_classes.h"
#include "cuda/emulation/convolution_support.h"
#include "cuda/emulation/stored.h"

namespace preresnet::cuda::emulation {

namespace {

void run(const ConvolutionLoops& loops, ConvolutionForward::Fusion fusion,
         const ConvolutionForward::Operands& operands) {
  const ConvolutionShape& shape = loops.shape;
  const Type type = loops.choice.type;
  const int64_t K = shape.out_channels;
  auto* w = static_cast<float*>(operands.workspace);  // R S C K
  float* x = w + loops.weights_size();                // H W C
  float* y = x + loops.input_size();                  // P Q K
  std::vector<double> sums(K), square_sums(K);
  std::vector<float> residual(K);

  loops.weights_for_forward(operands.w, w);
  for (int64_t n = 0; n < shape.images; ++n) {
    loops.load_operand(operands.x, n * loops.input_size(), loops.input_size(), x);
    if (fusion.transform) loops.transform(operands.scale, operands.bias, x);
    loops.forward(x, w, y);
    for (int64_t pixel = 0; pixel < shape.out_height * shape.out_width; ++pixel) {
      float* values = y + pixel * K;
      if (fusion.residual) {
        load(type, operands.residual, n * loops.output_size() + pixel * K, K, residual.data());
        for (int64_t k = 0; k < K; ++k) values[k] += residual[k];
      }
      if (!fusion.sums) continue;
      for (int64_t k = 0; k < K; ++k) {
        sums[k] += values[k];
        square_sums[k] += static_cast<double>(values[k]) * values[k];
      }
    }
    store(type, y, loops.output_size(), operands.y, n * loops.output_size());
  }
  for (int64_t k = 0; fusion.sums && k < K; ++k) {
    operands.sum[k] = static_cast<float>(sums[k]);
    operands.square_sum[k] = static_cast<float>(square_sums[k]);
  }
}

}  // namespace

EmulatedForward::EmulatedForward(const ConvolutionShape& shape, const ConvolutionChoice& choice,
                                 Fusion fusion)
    : loops_{shape, choice}, fusion_(fusion) {
  check_support(shape, choice, fusion);
  check_workspace(choice, workspace_bytes());
}

size_t EmulatedForward::workspace_bytes() const {
  return static_cast<size_t>(loops_.weights_size() + loops_.input_size() + loops_.output_size()) *
         sizeof(float);
}

void EmulatedForward::enqueue(Runtime& runtime, Stream stream, const Operands& operands) const {
  Launch work;
  work.name = "convolution_forward";
  work.emulated = [loops = loops_, fusion = fusion_, operands] { run(loops, fusion, operands); };
  runtime.launch(stream, work);
}

}  // namespace preresnet::cuda::emulation
