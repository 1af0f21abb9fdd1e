#include "cpu/conv_output.h"

namespace preresnet::cpu {

ConvOutput::ConvOutput(const ops::Conv& op, int64_t images, ScratchPlan& plan)
    : op_(op),
      y_(activation("conv.y", op.y)),
      residual_(activation("conv.residual", op.residual)),
      residual_scale_("conv.residualScale", op.residualScale, images, plan),
      residual_bias_("conv.residualBias", op.residualBias, images, plan),
      sums_("conv.sums", op.sums, images, y_.channels, 2, plan),
      norm_("conv", op.bias, op.yScale, op.yBias, images, op.sums == nullptr, plan) {}

bool ConvOutput::fits_fused() const {
  const bool plain_residual = !residual_ || (residual_.bf16 && op_.residualSubsample == 1 &&
                                             residual_.channels == y_.channels);
  return y_.bf16 && plain_residual;
}

bool ConvOutput::is_result() const {
  return !y_.bf16 && !sums_ && !norm_ && !residual_ && !op_.relu;
}

void ConvOutput::load(const Scratch& scratch) {
  residual_scale_.load(scratch);
  residual_bias_.load(scratch);
  norm_.load(scratch);
  sums_.bind(scratch);
}

passes::OutputPass ConvOutput::start(int64_t image, Range filters, const float* result) const {
  const int64_t first = filters.begin, blocks = filters.end - filters.begin;
  sums_.clear(image, filters);
  return {
      .result = result,
      .scale = from_block(norm_.scale(image), first),
      .bias = from_block(norm_.bias(image), first),
      .residual = advance(residual_.source(image), first * 16 * residual_.height * residual_.width),
      .residual_scale = from_block(residual_scale_.row(image), first),
      .residual_bias = from_block(residual_bias_.row(image), first),
      .residual_relu = op_.residualRelu,
      .residual_blocks = residual_.blocks() - first,
      .residual_height = residual_.height,
      .residual_width = residual_.width,
      .subsample = op_.residualSubsample,
      .relu = op_.relu,
      .y = advance(y_.target(image), first * 16 * y_.pixels()),
      .blocks = blocks,
      .height = y_.height,
      .width = y_.width,
      .sums = from_block(sums_.of(image, 0), first),
      .squares = from_block(sums_.of(image, 1), first),
  };
}

}  // namespace preresnet::cpu
