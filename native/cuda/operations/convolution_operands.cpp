#include "cuda/operations/convolution_operands.h"

#include <algorithm>

#include "core/error.h"

namespace preresnet::cuda {

void expect_weights(const std::string& where, const Tensor* weights, const Context& context) {
  expect(where, weights, dtype_of(context.storage), Layout::krsc8);
}

void refuse(const std::string& where, const char* what, bool present) {
  if (present) {
    throw Error("ERR_UNSUPPORTED", where + ": expected no " + what + " on CUDA, got one");
  }
}

uint32_t statistics_groups(std::initializer_list<const Tensor*> grouped) {
  int64_t groups = 1;
  for (const Tensor* tensor : grouped) {
    if (tensor != nullptr) groups = std::max(groups, tensor->dim(0));
  }
  return static_cast<uint32_t>(groups);
}

ConvolutionShape convolution_shape(const FeatureMap& x, const Tensor& weights, const FeatureMap& y,
                                   int64_t stride, int64_t padding, uint32_t groups) {
  ConvolutionShape shape;
  shape.images = x.images / groups;
  shape.in_channels = x.channels;
  shape.height = x.height;
  shape.width = x.width;
  shape.out_channels = y.channels;
  shape.out_height = y.height;
  shape.out_width = y.width;
  shape.kernel_height = weights.dim(2);
  shape.kernel_width = weights.dim(3);
  shape.stride = stride;
  shape.padding = padding;
  return shape;
}

ConvolutionChoice convolution_choice(int64_t tier, int64_t engine, const Context& context) {
  if (tier < 0 || tier > 2) {
    throw Error("ERR_UNSUPPORTED",
                "convolution: expected tier 0, 1 or 2, got " + std::to_string(tier));
  }
  ConvolutionChoice choice;
  choice.type = context.storage;
  choice.tf32 = context.tf32;
  choice.tier = static_cast<Tier>(tier);
  choice.engine = static_cast<int>(engine);
  choice.deterministic = context.deterministic;
  choice.workspace_limit = context.workspace_limit;
  return choice;
}

}  // namespace preresnet::cuda
