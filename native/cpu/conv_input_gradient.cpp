#include "cpu/conv_input_gradient.h"

namespace preresnet::cpu {

ConvInputGradient::ConvInputGradient(const ops::ConvBackward& op, const Activation& x,
                                     ScratchPlan& plan)
    : add_(activation("conv_backward.add", op.add)),
      dx_(activation("conv_backward.dx", op.dx)),
      mask_(op.mask),
      sums_("conv_backward.sums", op.sums, x.images, x.channels, 2, plan) {}

passes::InputGradientPass ConvInputGradient::start(int64_t image, const ConvInput& input,
                                                   const float* gradient) const {
  sums_.clear(image);
  const Activation& x = input.x();
  return {
      .gradient = gradient,
      .add = add_.source(image),
      .x = x.source(image),
      .scale = input.scale(image),
      .bias = input.bias(image),
      .mask = mask_,
      .dx = dx_.target(image),
      .blocks = x.blocks(),
      .pixels = x.pixels(),
      .sums = sums_.of(image, 0),
      .products = sums_.of(image, 1),
  };
}

}  // namespace preresnet::cpu
