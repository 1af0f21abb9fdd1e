#include <algorithm>

#include "cuda/emulation/convolution_classes.h"
#include "cuda/emulation/convolution_support.h"
#include "cuda/emulation/stored.h"

namespace preresnet::cuda::emulation {

namespace {

void run(const ConvolutionLoops& loops, ConvolutionBackwardWeights::Fusion fusion,
         const ConvolutionBackwardWeights::Operands& operands) {
  auto* dw = static_cast<float*>(operands.workspace);  // R S K C
  float* image = dw + loops.weights_size();            // R S K C of one image
  float* dy = image + loops.weights_size();            // P Q K
  float* x = dy + loops.output_size();                 // H W C

  std::fill_n(dw, loops.weights_size(), 0.0f);
  for (int64_t n = 0; n < loops.shape.images; ++n) {
    loops.load_operand(operands.dy, n * loops.output_size(), loops.output_size(), dy);
    loops.load_operand(operands.x, n * loops.input_size(), loops.input_size(), x);
    if (fusion.transform) loops.transform(operands.scale, operands.bias, x);
    // Added image by image: long chains of fp32 additions would lose more than tensor cores do.
    std::fill_n(image, loops.weights_size(), 0.0f);
    loops.backward_weights(dy, x, image);
    std::transform(image, image + loops.weights_size(), dw, dw, std::plus<>());
  }
  loops.store_weights(dw, operands.dw);
}

}  // namespace

EmulatedBackwardWeights::EmulatedBackwardWeights(const ConvolutionShape& shape,
                                                 const ConvolutionChoice& choice, Fusion fusion)
    : loops_{shape, choice}, fusion_(fusion) {
  check_support(shape, choice, fusion);
  check_workspace(choice, workspace_bytes());
}

size_t EmulatedBackwardWeights::workspace_bytes() const {
  return static_cast<size_t>(2 * loops_.weights_size() + loops_.output_size() +
                             loops_.input_size()) *
         sizeof(float);
}

void EmulatedBackwardWeights::enqueue(Runtime& runtime, Stream stream,
                                      const Operands& operands) const {
  Launch work;
  work.name = "convolution_backward_weights";
  work.emulated = [loops = loops_, fusion = fusion_, operands] { run(loops, fusion, operands); };
  runtime.launch(stream, work);
}

}  // namespace preresnet::cuda::emulation
