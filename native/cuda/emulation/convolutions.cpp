#include <map>
#include <tuple>

#include "cuda/emulation/convolution_classes.h"

namespace preresnet::cuda {

namespace {

/// Equal convolutions are one.
template <class Interface, class Emulated>
class Cache {
 public:
  std::shared_ptr<const Interface> get(const ConvolutionShape& shape,
                                       const ConvolutionChoice& choice,
                                       typename Interface::Fusion fusion) {
    auto& made = made_[{shape, choice, fusion}];
    if (made == nullptr) made = std::make_shared<Emulated>(shape, choice, fusion);
    return made;
  }

 private:
  std::map<std::tuple<ConvolutionShape, ConvolutionChoice, typename Interface::Fusion>,
           std::shared_ptr<const Interface>>
      made_;
};

class EmulatedConvolutions final : public Convolutions {
 public:
  std::shared_ptr<const ConvolutionForward> forward(const ConvolutionShape& shape,
                                                    const ConvolutionChoice& choice,
                                                    ConvolutionForward::Fusion fusion) override {
    return forward_.get(shape, choice, fusion);
  }
  std::shared_ptr<const ConvolutionBackwardData> backward_data(
      const ConvolutionShape& shape, const ConvolutionChoice& choice,
      ConvolutionBackwardData::Fusion fusion) override {
    return backward_data_.get(shape, choice, fusion);
  }
  std::shared_ptr<const ConvolutionBackwardWeights> backward_weights(
      const ConvolutionShape& shape, const ConvolutionChoice& choice,
      ConvolutionBackwardWeights::Fusion fusion) override {
    return backward_weights_.get(shape, choice, fusion);
  }

 private:
  Cache<ConvolutionForward, emulation::EmulatedForward> forward_;
  Cache<ConvolutionBackwardData, emulation::EmulatedBackwardData> backward_data_;
  Cache<ConvolutionBackwardWeights, emulation::EmulatedBackwardWeights> backward_weights_;
};

}  // namespace

std::unique_ptr<Convolutions> make_convolutions(Runtime&) {
  return std::make_unique<EmulatedConvolutions>();
}

}  // namespace preresnet::cuda
