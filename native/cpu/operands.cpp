#include "cpu/operands.h"

#include <algorithm>

#include "core/error.h"

namespace preresnet::cpu {
namespace {

constexpr int64_t kBlock = 16;

[[noreturn]] void refuse(const std::string& where, const std::string& expected, const Tensor& got) {
  throw Error("ERR_UNSUPPORTED", where + ": expected " + expected + " on the CPU, got " +
                                     name_of(got.dtype) + " " + name_of(got.layout));
}

}  // namespace

Source Activation::source(int64_t image) const {
  if (tensor == nullptr) return {};
  return advance(Source{tensor->data, bf16}, image * image_elements());
}

Destination Activation::target(int64_t image) const {
  if (tensor == nullptr) return {};
  return advance(Destination{tensor->data, bf16}, image * image_elements());
}

Activation activation(const std::string& where, const Tensor* tensor) {
  if (tensor == nullptr) return {};
  const bool known = tensor->dtype == DType::f32 || tensor->dtype == DType::bf16;
  if (!known || tensor->layout != Layout::nchw16c || tensor->shape.size() != 4) {
    refuse(where, "f32 or bf16 nchw16c", *tensor);
  }
  return {tensor,         tensor->dim(0), tensor->dim(1),
          tensor->dim(2), tensor->dim(3), tensor->dtype == DType::bf16};
}

void expect_plain(const std::string& where, const Tensor* tensor, DType dtype) {
  if (tensor == nullptr || (tensor->dtype == dtype && tensor->layout == Layout::plain)) return;
  refuse(where, std::string(name_of(dtype)) + " plain", *tensor);
}

void expect_none(const std::string& where, const Tensor* tensor) {
  if (tensor != nullptr) refuse(where, "none", *tensor);
}

Coefficients::Coefficients(const std::string& where, const Tensor* tensor, int64_t images,
                           ScratchPlan& plan)
    : tensor_(tensor) {
  if (tensor == nullptr) return;
  expect_plain(where, tensor, DType::f32);
  groups_ = tensor->shape.size() == 1 ? 1 : tensor->dim(0);
  channels_ = tensor->shape.back();
  if (groups_ < 1 || images % groups_ != 0) {
    throw Error("ERR_UNSUPPORTED", where + ": expected groups that divide " +
                                       std::to_string(images) + " images, got " +
                                       std::to_string(groups_));
  }
  images_per_group_ = images / groups_;
  stride_ = (channels_ + kBlock - 1) / kBlock * kBlock;
  if (stride_ != channels_) {
    padded_ = plan.shared(static_cast<size_t>(groups_ * stride_) * sizeof(float));
  }
}

void Coefficients::load(const Scratch& scratch) {
  if (tensor_ == nullptr) return;
  const float* from = tensor_->as<const float>();
  if (stride_ == channels_) {
    rows_ = from;
    return;
  }
  float* to = scratch.at<float>(padded_);
  for (int64_t group = 0; group < groups_; ++group) {
    float* end = std::copy_n(from + group * channels_, channels_, to + group * stride_);
    std::fill_n(end, stride_ - channels_, 0.0f);
  }
  rows_ = to;
}

}  // namespace preresnet::cpu
