// Sums per channel and group of images that do not depend on who computes what: every image has its
// own, added up in image order.
#pragma once
#include <string>

#include "core/tensor.h"
#include "cpu/partition.h"
#include "cpu/scratch.h"

namespace preresnet::cpu {

class ChannelSums {
 public:
  ChannelSums() = default;
  /// terms: sums per channel. groups: of a bias's gradient, whose tensor does not say it. A null
  /// tensor: none are wanted.
  ChannelSums(const std::string& where, const Tensor* tensor, int64_t images, int64_t channels,
              int64_t terms, ScratchPlan& plan, int64_t groups = 1);

  explicit operator bool() const { return wanted_; }
  /// Before the tasks of a run.
  void bind(const Scratch& scratch);
  /// A term's sums of one image, one a channel, padded to whole blocks; null where none are wanted.
  double* of(int64_t image, int64_t term) const {
    return wanted_ ? rows_ + (image * terms_ + term) * stride_ : nullptr;
  }
  /// Sets the sums of an image to zero.
  void clear(int64_t image) const;
  /// The same for some blocks of 16 channels.
  void clear(int64_t image, Range blocks) const;
  /// After the tasks: writes the tensor, [groups][terms][channels] in f64 or (one term over all
  /// images, each group's rounded and added by the tree) [channels] in f32.
  void finish() const;

 private:
  void finish_gradient() const;
  void total(int64_t first_image, int64_t images, int64_t term, double* out) const;

  const Tensor* tensor_ = nullptr;
  bool wanted_ = false;
  int64_t images_ = 0, channels_ = 0, terms_ = 0, groups_ = 1, stride_ = 0;
  SharedRange range_;
  double* rows_ = nullptr;
};

}  // namespace preresnet::cpu
