#include <cstddef>

#include "cuda/cudnn/convolutions.h"

namespace preresnet::cuda::cudnn {
namespace {

class Forward final : public ConvolutionForward {
 public:
  Forward(const Target& target, Handles* handles, const ConvolutionShape& shape,
          const ConvolutionChoice& choice, Fusion fusion)
      : handles_(handles),
        graph_(target, choice.type),
        fusion_(fusion),
        tier_(choice.tier),
        channels_(shape.out_channels) {
    const std::string what = describe("conv", shape, choice);
    check(what, choice);
    x_ = graph_.feature_map("x", shape.images, shape.in_channels, shape.height, shape.width);
    w_ = graph_.weights("w", shape.out_channels, shape.in_channels, shape.kernel_height,
                        shape.kernel_width);
    Graph::Tensor y = graph_.forward(fusion.transform ? transformed(shape, choice) : x_, w_, shape);
    if (fusion.residual) {
      residual_ = graph_.feature_map("residual", shape.images, shape.out_channels, shape.out_height,
                                     shape.out_width);
      y = graph_.add(y, residual_);
    }
    store(y, choice);
    graph_.build(choice, what);
  }

  size_t workspace_bytes() const override {
    return aligned(graph_.workspace_bytes()) + (unread_sums() ? 2 * vector_bytes() : 0);
  }
  int engines() const override { return graph_.engines(); }

  void enqueue(Runtime& runtime, Stream stream, const Operands& operands) const override {
    Graph::Addresses addresses{{x_, operands.x}, {w_, operands.w}, {y_, operands.y}};
    if (fusion_.transform) {
      addresses.emplace_back(scale_, operands.scale);
      addresses.emplace_back(bias_, operands.bias);
    }
    if (fusion_.residual) addresses.emplace_back(residual_, operands.residual);
    if (has_sums()) {
      float* sum = operands.sum;
      float* squares = operands.square_sum;
      if (unread_sums()) {
        auto* scratch =
            static_cast<std::byte*>(operands.workspace) + aligned(graph_.workspace_bytes());
        sum = reinterpret_cast<float*>(scratch);
        squares = reinterpret_cast<float*>(scratch + vector_bytes());
      }
      if (tier_ == Tier::runtime_compiled) zero(runtime, stream, sum, squares, channels_);
      addresses.emplace_back(sum_, sum);
      addresses.emplace_back(squares_, squares);
    }
    graph_.enqueue(handles_ == nullptr ? nullptr : handles_->of(stream), addresses,
                   operands.workspace);
  }

 private:
  void check(const std::string& what, const ConvolutionChoice& choice) const {
    const bool fused = fusion_.transform || fusion_.residual || fusion_.sums;
    if (tier_ == Tier::plain && fused) unsupported(what, "tier 0 fuses nothing");
    if (tier_ == Tier::precompiled && fusion_.residual)
      unsupported(what, "tier 1 adds no residual");
    if (tier_ == Tier::runtime_compiled && fusion_.sums && choice.deterministic)
      unsupported(what, "the sums of tier 2 are added in no fixed order");
  }

  /// relu(scale x + bias), rounded to the storage type.
  Graph::Tensor transformed(const ConvolutionShape& shape, const ConvolutionChoice& choice) {
    scale_ = graph_.vector("scale", shape.in_channels, choice.type);
    bias_ = graph_.vector("bias", shape.in_channels, choice.type);
    const Graph::Tensor result = graph_.relu(graph_.add(graph_.multiply(x_, scale_), bias_));
    // Runtime-compiled engines round where they are told to; precompiled ones know one pattern.
    if (tier_ == Tier::runtime_compiled) graph_.rounded(result);
    return result;
  }

  void store(Graph::Tensor y, const ConvolutionChoice& choice) {
    if (tier_ == Tier::runtime_compiled && fusion_.sums) {
      y_ = graph_.identity(y);
      sum_ = graph_.sum(y, channels_);
      squares_ = graph_.sum(graph_.multiply(y, y), channels_);
    } else {
      y_ = y;
      if (has_sums()) std::tie(sum_, squares_) = graph_.statistics(y);
    }
    graph_.store(y_, choice.type);
    if (has_sums())
      for (Graph::Tensor vector : {sum_, squares_}) graph_.store(vector, Type::f32);
  }

  /// Precompiled engines transform only where they also sum.
  bool has_sums() const {
    return fusion_.sums || (tier_ == Tier::precompiled && fusion_.transform);
  }
  bool unread_sums() const { return has_sums() && !fusion_.sums; }
  size_t vector_bytes() const { return aligned(static_cast<size_t>(channels_) * sizeof(float)); }

  Handles* handles_;
  Graph graph_;
  Fusion fusion_;
  Tier tier_;
  int64_t channels_;
  Graph::Tensor x_{}, w_{}, scale_{}, bias_{}, residual_{}, y_{}, sum_{}, squares_{};
};

}  // namespace

std::shared_ptr<const ConvolutionForward> make_forward(const Target& target, Handles* handles,
                                                       const ConvolutionShape& shape,
                                                       const ConvolutionChoice& choice,
                                                       ConvolutionForward::Fusion fusion) {
  return std::make_shared<Forward>(target, handles, shape, choice, fusion);
}

}  // namespace preresnet::cuda::cudnn
