#include "program/laws.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/limits.h"
#include "program/demands.h"
#include "program/parameter_laws.h"
#include "program/pointwise_law.h"

namespace preresnet {

namespace {

/// Sizes after a window of `kernel` slid over `size` positions.
void windows(const char* what, int64_t size, int64_t kernel, int64_t stride, int64_t padding,
             int64_t output) {
  demand(stride >= 1, "stride of at least 1", stride);
  demand(kernel >= 1, "kernel of at least 1", kernel);
  demand(padding >= 0 && padding < kernel, "padding from 0 to kernel - 1", padding);
  demand(size + 2 * padding >= kernel, std::string(what) + " and padding to hold the kernel", size);
  equal(what, (size + 2 * padding - kernel) / stride + 1, output);
}

template <class Convolution>
void convolution(const Convolution& op, const Tensor& input, const Tensor& output) {
  windows("output height", input.dim(2), op.w->dim(2), op.stride, op.padding, output.dim(2));
  windows("output width", input.dim(3), op.w->dim(3), op.stride, op.padding, output.dim(3));
}

/// Winograd's tiles know one kind of window.
template <class Convolution>
void tiled(const Convolution& op) {
  if (!op.winograd) return;
  equal("winograd kernel height", 3, op.w->dim(2));
  equal("winograd kernel width", 3, op.w->dim(3));
  equal("winograd stride", 1, op.stride);
  equal("winograd padding", 1, op.padding);
}

template <class Pool>
void pooling(const Pool& op, const Tensor& input, const Tensor& output) {
  windows("output height", input.dim(2), op.kernel, op.stride, op.padding, output.dim(2));
  windows("output width", input.dim(3), op.kernel, op.stride, op.padding, output.dim(3));
  together("scale", op.scale, "bias", op.bias);
}

/// Sizes of a maximum: the last window may reach beyond the image if it begins inside it.
template <class Pool>
void max_pooling(const Pool& op, const Tensor& input, const Tensor& output) {
  for (const auto& [what, side] : {std::pair{"output height", 2}, std::pair{"output width", 3}}) {
    const int64_t size = input.dim(side);
    const bool reaches =
        output.dim(side) >= 2 && op.stride >= 1 &&
        (output.dim(side) - 1) * op.stride < size + op.padding &&
        output.dim(side) * op.stride - op.stride + op.kernel > size + 2 * op.padding;
    windows(what, size, op.kernel, op.stride, op.padding, output.dim(side) - (reaches ? 1 : 0));
  }
  together("scale", op.scale, "bias", op.bias);
}

/// Images of a step, of which `images` are computed at a time.
void accumulated(int64_t all, int64_t images) {
  demand(all % images == 0, "images of a step that " + std::to_string(images) + " divide", all);
}

void law(const ops::Input& op) {
  accumulated(op.images->dim(0), op.x->dim(0));
  const auto channels = static_cast<size_t>(op.x->dim(1));
  demand(op.mean.size() == channels, "one mean a channel (" + std::to_string(channels) + ")",
         op.mean.size());
  demand(op.std.size() == channels, "one std a channel (" + std::to_string(channels) + ")",
         op.std.size());
  for (const double std : op.std) demand(std > 0, "std above 0", std);
  // Also bounds 2 * pad, so that no sum below overflows.
  demand(op.pad >= 0 && op.pad <= kLargestPad, "pad from 0 to " + std::to_string(kLargestPad),
         op.pad);
  demand(op.x->dim(2) <= op.images->dim(1) + 2 * op.pad, "x not higher than the padded image",
         op.x->dim(2));
  demand(op.x->dim(3) <= op.images->dim(2) + 2 * op.pad, "x not wider than the padded image",
         op.x->dim(3));
}

void law(const ops::Mix& op) {
  accumulated(op.labels->dim(0), op.x->dim(0));
  demand(op.smoothing >= 0 && op.smoothing < 1, "smoothing from 0 to below 1", op.smoothing);
}

template <class Convolution>
void tiers(const Convolution& op) {
  demand(op.tier >= 0 && op.tier <= 2, "tier from 0 to 2", op.tier);
  demand(op.engine >= -1 && op.engine <= (1 << 20), "engine from -1 to 2^20", op.engine);
}

/// A residual of an operation that writes `output`.
template <class Op>
void residual(const Op& op, const Tensor& output) {
  together("residualScale", op.residualScale, "residualBias", op.residualBias);
  const bool present = op.residual != nullptr;
  only_with("residualScale", op.residualScale != nullptr, "residual", present);
  only_with("residualRelu", op.residualRelu, "residual", present);
  demand(op.residualSubsample >= 1, "residualSubsample of at least 1", op.residualSubsample);
  only_with("residualSubsample", op.residualSubsample != 1, "residual", present);
  if (!present) return;
  demand(op.residual->dim(1) <= output.dim(1), "a residual of at most as many channels as y",
         op.residual->dim(1));
  equal("rows of y as the residual's", rounded_up(op.residual->dim(2), op.residualSubsample),
        output.dim(2));
  equal("columns of y as the residual's", rounded_up(op.residual->dim(3), op.residualSubsample),
        output.dim(3));
}

/// Groups that are computed apart.
void apart(int64_t groups, int64_t images) {
  demand(groups >= 1 && images % std::max<int64_t>(groups, 1) == 0,
         "groups that divide " + std::to_string(images) + " images", groups);
}

void law(const ops::Conv& op) {
  apart(op.groups, op.x->dim(0));
  convolution(op, *op.x, *op.y);
  tiled(op);
  tiers(op);
  together("xScale", op.xScale, "xBias", op.xBias);
  together("yScale", op.yScale, "yBias", op.yBias);
  residual(op, *op.y);
  if (!op.perImage) return;
  equal("groups with perImage", 1, op.groups);
  demand(op.sums == nullptr, "no sums with perImage", presence(op.sums));
  for (const Tensor* rows : {op.xScale, op.yScale, op.residualScale}) {
    if (rows != nullptr) equal("groups with perImage", 1, rows->dim(0));
  }
}

void law(const ops::ConvBackward& op) {
  apart(op.groups, op.x->dim(0));
  convolution(op, *op.x, *op.d);
  tiled(op);
  together("xScale", op.xScale, "xBias", op.xBias);
  together("dB", op.dB, "y", op.y);
  only_with("mask", op.mask, "xRelu", op.xRelu);
  only_with("mask", op.mask, "dx", op.dx != nullptr);
  only_with("add", op.add != nullptr, "dx", op.dx != nullptr);
  only_with("sums", op.sums != nullptr, "dx", op.dx != nullptr);
  demand(op.dx != nullptr || op.dw != nullptr || op.dbias != nullptr || op.dy != nullptr,
         "an output (dx, dw, dbias or dy)", "none");
}

void law(const ops::ConvBackwardData& op) {
  convolution(op, *op.dx, *op.dy);
  tiers(op);
  together("xScale", op.xScale, "xBias", op.xBias);
  only_with("xScale", op.xScale != nullptr, "x", op.x != nullptr);
  only_with("mask", op.mask, "x", op.x != nullptr);
  only_with("sums", op.sums != nullptr, "x", op.x != nullptr);
}

void law(const ops::ConvBackwardNorm& op) {
  convolution(op, *op.dx, *op.dy);
  tiers(op);
  demand(op.count >= 1, "count of at least 1", op.count);
}

void law(const ops::ConvBackwardWeights& op) {
  tiers(op);
  windows("output height", op.x->dim(2), op.dw->dim(2), op.stride, op.padding, op.dy->dim(2));
  windows("output width", op.x->dim(3), op.dw->dim(3), op.stride, op.padding, op.dy->dim(3));
  together("xScale", op.xScale, "xBias", op.xBias);
}

void law(const ops::BnRelu& op) { together("scale", op.scale, "bias", op.bias); }

void law(const ops::ResidualAdd& op) {
  demand(op.y != nullptr || op.sums != nullptr, "an output (y or sums)", "none");
  residual(op, *op.x);
  // Without y the sums are x's own.
  only_with("residual", op.residual != nullptr, "y", op.y != nullptr);
  only_with("bias", op.bias != nullptr, "y", op.y != nullptr);
  only_with("relu", op.relu, "y", op.y != nullptr);
}

void law(const ops::ReluBackward& op) {
  together("xScale", op.xScale, "xBias", op.xBias);
  only_with("xScale", op.xScale != nullptr, "x", op.x != nullptr);
  only_with("mask", op.mask, "x", op.x != nullptr);
  only_with("sums", op.sums != nullptr, "x", op.x != nullptr);
}

void law(const ops::BnFinalize& op) {
  together("scaleStored", op.scaleStored, "biasStored", op.biasStored);
  demand(op.epsilon > 0, "epsilon above 0", op.epsilon);
  demand(op.momentum >= 0 && op.momentum <= 1, "momentum from 0 to 1", op.momentum);
  // One value has no unbiased variance.
  demand(op.sums == nullptr || op.count > 1, "count of at least 2 with sums", op.count);
}

void law(const ops::BnBackward& op) { demand(op.count >= 1, "count of at least 1", op.count); }

void law(const ops::BnApplyBackward&) {}

void law(const ops::BnReluMaxPool& op) { max_pooling(op, *op.x, *op.y); }

void law(const ops::MaxPoolBackward& op) { max_pooling(op, *op.dx, *op.dy); }

void law(const ops::BnReluAveragePool& op) { pooling(op, *op.x, *op.y); }

void law(const ops::AveragePoolBackward& op) { pooling(op, *op.dx, *op.dy); }

void law(const ops::BnReluGlobalAveragePool& op) { together("scale", op.scale, "bias", op.bias); }

void law(const ops::GlobalAveragePoolBackward& op) { together("scale", op.scale, "bias", op.bias); }

void law(const ops::Linear& op) { apart(op.groups, op.x->dim(0)); }

void law(const ops::LinearBackward& op) {
  apart(op.groups, op.x->dim(0));
  demand(op.dw != nullptr || op.dbias != nullptr || op.dx != nullptr, "an output (dw, dbias or dx)",
         presence(op.dx));
}

void class_weights(const std::vector<double>& weights, int64_t classes) {
  demand(weights.empty() || static_cast<int64_t>(weights.size()) == classes,
         "no class weights or " + std::to_string(classes), weights.size());
  for (const double weight : weights) {
    demand(weight > 0 && std::isfinite(weight), "class weights above 0", weight);
  }
}

void law(const ops::SoftmaxCrossEntropy& op) {
  apart(op.groups, op.logits->dim(0));
  class_weights(op.classWeights, op.logits->dim(1));
  accumulated(op.labels->dim(0), op.logits->dim(0));
  demand(op.smoothing >= 0 && op.smoothing < 1, "smoothing from 0 to below 1", op.smoothing);
}

void law(const ops::BinaryCrossEntropy& op) {
  apart(op.groups, op.logits->dim(0));
  class_weights(op.classWeights, op.logits->dim(1));
  accumulated(op.labels->dim(0), op.logits->dim(0));
  demand(op.smoothing >= 0 && op.smoothing < 1, "smoothing from 0 to below 1", op.smoothing);
  demand(op.threshold == -1 || (op.threshold >= 0 && op.threshold < 1),
         "threshold -1 or from 0 to below 1", op.threshold);
}

void law(const ops::Softmax&) {}

void law(const ops::Pointwise& op) { check_pointwise(op); }

void law(const ops::ComputeWeights& op) {
  demand(op.copies->dim(0) <= op.weights->dim(0), "no more copies than weights", op.copies->dim(0));
}

}  // namespace

std::string broken_law(const ops::AnyOperation& operation) {
  try {
    std::visit([](const auto& op) { law(op); }, operation);
    return {};
  } catch (const Broken& broken) {
    return broken.message;
  }
}

}  // namespace preresnet
