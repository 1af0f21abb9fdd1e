// What an operation's tensors must be on CUDA, checked when it is prepared; addresses are taken
// when it is enqueued.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>

#include "cuda/kernels/channel_grid.h"
#include "cuda/operation.h"

namespace preresnet::cuda {

DType dtype_of(Type);

/// Throws ERR_UNSUPPORTED unless the tensor (if there is one) has that type and layout.
void expect(const std::string& where, const Tensor* tensor, DType, Layout);

/// A tensor N C H W, stored [images][height][width][channels]; channels are padded to a multiple
/// of 8. At most 2^31 - 1 rows, so that kernels count them in 32 bits.
struct FeatureMap {
  const Tensor* tensor = nullptr;
  uint32_t images = 0, channels = 0, height = 0, width = 0;

  explicit operator bool() const { return tensor != nullptr; }
  uint32_t pixels() const { return height * width; }
  uint32_t rows() const { return images * pixels(); }
};

/// Throws ERR_UNSUPPORTED unless the tensor is one in the storage type; null gives an empty one.
FeatureMap feature_map(const std::string& where, const Tensor* tensor, const Context&);

/// A per-channel operand, C or G C, f32; or absent.
struct VectorOperand {
  const Tensor* tensor = nullptr;
  ChannelVector shape;

  ChannelVector at(const StreamContext& on) const {
    ChannelVector vector = shape;
    vector.data = on.at<const float>(tensor);
    return vector;
  }
};

/// Sums per group and channel, G T C, f32; or absent.
struct SumsOperand {
  const Tensor* tensor = nullptr;
  uint32_t each = 1;

  explicit operator bool() const { return tensor != nullptr; }
  ChannelSums at(const StreamContext& on) const {
    ChannelSums sums;
    sums.each = each;
    sums.data = on.at<float>(tensor);
    sums.partial = static_cast<float*>(on.workspace);
    sums.counters = on.counters;
    return sums;
  }
};

/// A channel-wise pass over a feature map: its launch, and its per-channel operands. The launch has
/// as many groups as all operands' groups divide into.
class ChannelPlan {
 public:
  /// grouped: every operand C or G C; sums: G T C, if the pass takes some. Null ones count as one
  /// group.
  ChannelPlan(std::string where, const FeatureMap& over, std::vector<const Tensor*> grouped,
              const Tensor* sums, const Context&);

  VectorOperand vector(const Tensor*) const;
  SumsOperand sums(const Tensor*) const;
  const ChannelLaunch& launch() const { return launch_; }
  /// Partial sums of `terms` values a channel.
  size_t workspace_bytes(size_t terms) const;

 private:
  std::string where_;
  uint32_t groups_ = 1;
  ChannelLaunch launch_;
};

}  // namespace preresnet::cuda
