// Chooses the algorithms of a convolution when its operation is prepared.
#pragma once
#include <map>
#include <memory>
#include <variant>

#include "cpu/convolution.h"

namespace preresnet::cpu {

/// What a program allows beside direct convolution of f32: Winograd's algorithm (then that is
/// taken), products of bf16 (taken where there are kernels for them).
struct ConvolutionMeans {
  bool winograd = false, bf16_products = false;

  auto operator<=>(const ConvolutionMeans&) const = default;
};

/// x to y in blocks of images.
struct BlockForward {
  BlockTerms terms;
  std::unique_ptr<const BlockConvolution> convolution = nullptr;
};

/// The gradients that are wanted; what serves others is not prepared.
struct BackwardUse {
  bool data = false, weights = false;

  auto operator<=>(const BackwardUse&) const = default;
};
/// Both gradients in the same blocks of images.
struct BlockBackward {
  BlockTerms terms;
  std::unique_ptr<const BlockConvolution> data = nullptr;  // dy to dx; null: not wanted
  std::variant<std::monostate, std::unique_ptr<const BlockWeightGradient>,
               std::unique_ptr<const CollectedWeightGradient>>
      weights = {};  // monostate: not wanted
};

/// Equal layers share their algorithms, and with them oneDNN's primitives.
class Algorithms {
 public:
  explicit Algorithms(int threads) : threads_(threads) {}

  /// For one image or any number of them. Null where oneDNN's are the faster, or there is none for
  /// this processor.
  const PartConvolution* parts(ConvolutionShape shape, ConvolutionMeans means);

  /// Null where none is the faster, or none fits the shape or the processor.
  const FusedConvolution* fused_forward(const ConvolutionShape& shape, ConvolutionMeans means);
  const FusedBackward* fused_backward(const ConvolutionShape& shape, ConvolutionMeans means);

  const BlockForward& block_forward(const ConvolutionShape& shape, ConvolutionMeans means);
  const BlockBackward& block_backward(const ConvolutionShape& shape, BackwardUse use,
                                      ConvolutionMeans means);

 private:
  struct Key {
    ConvolutionShape shape;
    ConvolutionMeans means;
    BackwardUse use;
    auto operator<=>(const Key&) const = default;
  };

  int threads_;
  std::map<Key, std::unique_ptr<const PartConvolution>> parts_;
  std::map<ConvolutionShape, std::unique_ptr<const FusedConvolution>> fused_forward_;
  std::map<ConvolutionShape, std::unique_ptr<const FusedBackward>> fused_backward_;
  std::map<Key, BlockForward> block_forward_;
  std::map<Key, BlockBackward> block_backward_;
};

}  // namespace preresnet::cpu
