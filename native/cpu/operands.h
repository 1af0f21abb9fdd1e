// What an operation's tensors must be, checked when it is prepared; addresses are read when it
// runs.
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "core/tensor.h"
#include "cpu/scratch.h"
#include "cpu/storage.h"

namespace preresnet::cpu {

/// A tensor N C H W in blocks of 16 channels, f32 or bf16.
struct Activation {
  const Tensor* tensor = nullptr;
  int64_t images = 0, channels = 0, height = 0, width = 0;
  bool bf16 = false;

  explicit operator bool() const { return tensor != nullptr; }
  int64_t blocks() const { return (channels + 15) / 16; }
  int64_t pixels() const { return height * width; }
  /// Elements of an image, those of lanes past the last channel among them.
  int64_t image_elements() const { return blocks() * 16 * pixels(); }
  Source source(int64_t image) const;
  Destination target(int64_t image) const;
};

/// Throws ERR_UNSUPPORTED unless the tensor is such a tensor; null gives an empty one.
Activation activation(const std::string& where, const Tensor* tensor);

/// Whether none of them is f32. Empty ones are neither.
inline bool all_bf16(std::initializer_list<Activation> activations) {
  return std::all_of(activations.begin(), activations.end(),
                     [](const Activation& activation) { return !activation || activation.bf16; });
}

/// Throws ERR_UNSUPPORTED unless the tensor (if there is one) is plain and of that type.
void expect_plain(const std::string& where, const Tensor* tensor, DType dtype);

/// Throws ERR_UNSUPPORTED if there is one: for operands that only other devices use.
void expect_none(const std::string& where, const Tensor* tensor);

/// Rows of f32 coefficients, one a group of images, padded with zeros to whole blocks of channels.
class Coefficients {
 public:
  Coefficients() = default;
  /// images: how many the groups divide. A null tensor gives null rows.
  Coefficients(const std::string& where, const Tensor* tensor, int64_t images, ScratchPlan& plan);

  explicit operator bool() const { return tensor_ != nullptr; }
  /// Reads the tensor. Called once a run, before row().
  void load(const Scratch& scratch);
  /// Blocks of 16 channels in a row.
  int64_t blocks() const { return stride_ / 16; }
  const float* row(int64_t image) const {
    return rows_ == nullptr ? nullptr : rows_ + image / images_per_group_ * stride_;
  }

 private:
  const Tensor* tensor_ = nullptr;
  int64_t groups_ = 1, channels_ = 0, stride_ = 0, images_per_group_ = 1;
  SharedRange padded_;
  const float* rows_ = nullptr;
};

/// A row of values, one a channel, from a block of 16 channels on; null stays null.
template <class T>
T* from_block(T* row, int64_t block) {
  return row == nullptr ? nullptr : row + 16 * block;
}

}  // namespace preresnet::cpu
