#include "cuda/cudnn/convolutions.h"

namespace preresnet::cuda::cudnn {
namespace {

class BackwardWeights final : public ConvolutionBackwardWeights {
 public:
  BackwardWeights(const Target& target, Handles* handles, const ConvolutionShape& shape,
                  const ConvolutionChoice& choice, Fusion fusion)
      : handles_(handles), graph_(target, choice.type), fusion_(fusion) {
    const std::string what = describe("conv_backward_weights", shape, choice);
    if (choice.tier == Tier::plain && fusion.transform) unsupported(what, "tier 0 fuses nothing");
    x_ = graph_.feature_map("x", shape.images, shape.in_channels, shape.height, shape.width);
    dy_ = graph_.feature_map("dy", shape.images, shape.out_channels, shape.out_height,
                             shape.out_width);
    Graph::Tensor activated = x_;
    if (fusion.transform) {
      scale_ = graph_.vector("scale", shape.in_channels, choice.type);
      bias_ = graph_.vector("bias", shape.in_channels, choice.type);
      activated = graph_.relu(graph_.add(graph_.multiply(x_, scale_), bias_));
      if (choice.tier == Tier::runtime_compiled) graph_.rounded(activated);
    }
    dw_ = graph_.backward_weights(dy_, activated, shape);
    graph_.store(dw_, choice.type);
    graph_.build(choice, what);
  }

  size_t workspace_bytes() const override { return graph_.workspace_bytes(); }
  int engines() const override { return graph_.engines(); }

  void enqueue(Runtime&, Stream stream, const Operands& operands) const override {
    Graph::Addresses addresses{{x_, operands.x}, {dy_, operands.dy}, {dw_, operands.dw}};
    if (fusion_.transform) {
      addresses.emplace_back(scale_, operands.scale);
      addresses.emplace_back(bias_, operands.bias);
    }
    graph_.enqueue(handles_ == nullptr ? nullptr : handles_->of(stream), addresses,
                   operands.workspace);
  }

 private:
  Handles* handles_;
  Graph graph_;
  Fusion fusion_;
  Graph::Tensor x_{}, dy_{}, scale_{}, bias_{}, dw_{};
};

}  // namespace

std::shared_ptr<const ConvolutionBackwardWeights> make_backward_weights(
    const Target& target, Handles* handles, const ConvolutionShape& shape,
    const ConvolutionChoice& choice, ConvolutionBackwardWeights::Fusion fusion) {
  return std::make_shared<BackwardWeights>(target, handles, shape, choice, fusion);
}

}  // namespace preresnet::cuda::cudnn
