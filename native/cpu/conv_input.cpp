#include "cpu/conv_input.h"

#include "cpu/planes.h"

namespace preresnet::cpu {

ConvInput::ConvInput(const std::string& where, const Tensor* x, const Tensor* scale,
                     const Tensor* bias, bool relu, ScratchPlan& plan)
    : x_(activation(where + ".x", x)),
      scale_(where + ".xScale", scale, x_.images, plan),
      bias_(where + ".xBias", bias, x_.images, plan),
      relu_(relu) {}

bool ConvInput::is_x(bool bf16, int64_t planes) const {
  return x_.bf16 == bf16 && planes == 0 && !scale_ && !bias_ && !relu_;
}

void ConvInput::load(const Scratch& scratch) {
  scale_.load(scratch);
  bias_.load(scratch);
}

passes::TransformPass ConvInput::pass(int64_t image, Range blocks, Destination out) const {
  return {
      .x = advance(x_.source(image), blocks.begin * 16 * x_.pixels()),
      .scale = from_block(scale_.row(image), blocks.begin),
      .bias = from_block(bias_.row(image), blocks.begin),
      .relu = relu_,
      .out = out,
      .blocks = blocks.end - blocks.begin,
      .pixels = x_.pixels(),
  };
}

BlockInput::BlockInput(const ConvInput& input, const ConvolutionShape& shape, bool bf16,
                       int64_t images, ScratchPlan& plan)
    : input_(input),
      planes_(shape.planes),
      image_elements_(shape.x_elements()),
      bf16_(bf16),
      is_x_(input.is_x(bf16, shape.planes)) {
  if (!is_x_) range_ = plan.thread(storage_bytes(images * image_elements_, bf16));
}

const void* BlockInput::of(const Scratch& scratch, int thread, Range images) const {
  if (is_x_) return input_.x().source(images.begin).data;
  const Destination out{scratch.at<void>(range_, thread), bf16_};
  for (int64_t image = images.begin; image < images.end; ++image) {
    const Destination of_image = advance(out, (image - images.begin) * image_elements_);
    run(input_.pass(image, of_image), planes_);
  }
  return out.data;
}

}  // namespace preresnet::cpu
