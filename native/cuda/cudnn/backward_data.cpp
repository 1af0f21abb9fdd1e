#include <cstddef>

#include "cuda/cudnn/convolutions.h"

namespace preresnet::cuda::cudnn {
namespace {

class BackwardData final : public ConvolutionBackwardData {
 public:
  BackwardData(const Target& target, Handles* handles, const ConvolutionShape& shape,
               const ConvolutionChoice& choice, Fusion fusion)
      : handles_(handles),
        graph_(target, choice.type),
        fusion_(fusion),
        channels_(shape.in_channels) {
    const std::string what = describe("conv_backward_data", shape, choice);
    check(what, choice);
    dy_ = graph_.feature_map("dy", shape.images, shape.out_channels, shape.out_height,
                             shape.out_width);
    w_ = graph_.weights("w", shape.out_channels, shape.in_channels, shape.kernel_height,
                        shape.kernel_width);
    const auto like_x = [&](const char* name) {
      return graph_.feature_map(name, shape.images, shape.in_channels, shape.height, shape.width);
    };
    Graph::Tensor dx = graph_.backward_data(dy_, w_, shape);
    if (fusion.add) dx = graph_.add(dx, add_ = like_x("add"));
    if (fusion.mask) dx = graph_.relu_backward(dx, normalized(x_ = like_x("x")));
    store(dx, choice.type);
    graph_.build(choice, what);
  }

  size_t workspace_bytes() const override {
    return aligned(graph_.workspace_bytes()) + (fusion_.norm ? 2 * vector_bytes() : 0);
  }
  int engines() const override { return graph_.engines(); }

  void enqueue(Runtime& runtime, Stream stream, const Operands& operands) const override {
    Graph::Addresses addresses{{dy_, operands.dy}, {w_, operands.w}, {dx_, operands.dx}};
    if (fusion_.add) addresses.emplace_back(add_, operands.add);
    if (fusion_.mask) addresses.emplace_back(x_, operands.x);
    if (fusion_.norm) {
      add_norm(addresses, operands);
    } else if (fusion_.mask) {
      addresses.emplace_back(scale_, operands.scale);
      addresses.emplace_back(bias_, operands.bias);
    }
    if (fusion_.sums) {
      zero(runtime, stream, operands.sum, operands.product_sum, channels_);
      addresses.emplace_back(sum_, operands.sum);
      addresses.emplace_back(products_, operands.product_sum);
    }
    graph_.enqueue(handles_ == nullptr ? nullptr : handles_->of(stream), addresses,
                   operands.workspace);
  }

 private:
  void check(const std::string& what, const ConvolutionChoice& choice) const {
    const bool fused = fusion_.add || fusion_.mask || fusion_.sums || fusion_.norm;
    if (choice.tier == Tier::plain && fused) unsupported(what, "tier 0 fuses nothing");
    if (choice.tier == Tier::precompiled && fused && !fusion_.norm)
      unsupported(what, "tier 1 fuses the whole of a norm's backward pass or nothing");
    if (choice.tier == Tier::runtime_compiled && fusion_.norm)
      unsupported(what, "tier 2 has sums, not a norm's backward pass");
    if ((fusion_.sums || fusion_.norm) && !fusion_.mask)
      unsupported(what, "sums and norms are of the masked gradient");
    if (fusion_.sums && choice.deterministic)
      unsupported(what, "the sums of tier 2 are added in no fixed order");
  }

  /// What the ReLU saw.
  Graph::Tensor normalized(Graph::Tensor x) {
    const auto vector = [&](const char* name) { return graph_.vector(name, channels_, Type::f32); };
    if (!fusion_.norm) {
      scale_ = vector("scale");
      bias_ = vector("bias");
      return graph_.add(graph_.multiply(x, scale_), bias_);
    }
    mean_ = vector("mean");
    invstd_ = vector("invstd");
    weight_ = vector("weight");
    beta_ = vector("beta");
    const Graph::Tensor unit = graph_.multiply(graph_.subtract(x, mean_), invstd_);
    return graph_.add(graph_.multiply(unit, weight_), beta_);
  }

  void store(Graph::Tensor dx, Type type) {
    dx_ = dx;
    if (fusion_.sums) {
      dx_ = graph_.identity(dx);
      sum_ = graph_.sum(dx, channels_);
      products_ = graph_.sum(graph_.multiply(dx, x_), channels_);
      for (Graph::Tensor vector : {sum_, products_}) graph_.store(vector, Type::f32);
    }
    graph_.store(dx_, type);
    if (fusion_.norm) {
      norm_ = graph_.norm_backward(dx_, x_, mean_, invstd_, weight_);
      for (Graph::Tensor vector : norm_) graph_.store(vector, Type::f32);
    }
  }

  void add_norm(Graph::Addresses& addresses, const Operands& operands) const {
    addresses.emplace_back(mean_, operands.mean);
    addresses.emplace_back(invstd_, operands.invstd);
    addresses.emplace_back(weight_, operands.weight);
    addresses.emplace_back(beta_, operands.beta);
    // Those that nobody wants go to scratch.
    auto* scratch = static_cast<std::byte*>(operands.workspace) + aligned(graph_.workspace_bytes());
    float* outputs[] = {operands.dweight, operands.dbeta, operands.a, operands.b, operands.c};
    for (size_t i = 0; i < norm_.size(); ++i) {
      if (outputs[i] == nullptr)
        outputs[i] = reinterpret_cast<float*>(scratch + (i % 2) * vector_bytes());
      addresses.emplace_back(norm_[i], outputs[i]);
    }
  }

  size_t vector_bytes() const { return aligned(static_cast<size_t>(channels_) * sizeof(float)); }

  Handles* handles_;
  Graph graph_;
  Fusion fusion_;
  int64_t channels_;
  Graph::Tensor dy_{}, w_{}, add_{}, x_{}, scale_{}, bias_{}, mean_{}, invstd_{}, weight_{},
      beta_{}, dx_{}, sum_{}, products_{};
  std::vector<Graph::Tensor> norm_;  // dweight, dbeta, a, b, c
};

}  // namespace

std::shared_ptr<const ConvolutionBackwardData> make_backward_data(
    const Target& target, Handles* handles, const ConvolutionShape& shape,
    const ConvolutionChoice& choice, ConvolutionBackwardData::Fusion fusion) {
  return std::make_shared<BackwardData>(target, handles, shape, choice, fusion);
}

}  // namespace preresnet::cuda::cudnn
