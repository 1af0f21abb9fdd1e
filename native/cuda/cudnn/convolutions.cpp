#include "cuda/cudnn/convolutions.h"

#include <map>
#include <tuple>

#include "core/error.h"

namespace preresnet::cuda {
namespace cudnn {
namespace {

/// Equal convolutions share one plan for as long as the session lives.
template <class Kind, auto make>
class Cache {
 public:
  std::shared_ptr<const Kind> get(const Target& target, Handles* handles,
                                  const ConvolutionShape& shape, const ConvolutionChoice& choice,
                                  typename Kind::Fusion fusion) {
    std::shared_ptr<const Kind>& entry = made_[{shape, choice, fusion}];
    if (entry == nullptr) entry = make(target, handles, shape, choice, fusion);
    return entry;
  }

 private:
  using Key = std::tuple<ConvolutionShape, ConvolutionChoice, typename Kind::Fusion>;
  std::map<Key, std::shared_ptr<const Kind>> made_;
};

class Cached final : public Convolutions {
 public:
  Cached(Target target, std::unique_ptr<Handles> handles)
      : target_(std::move(target)), handles_(std::move(handles)) {}

  std::shared_ptr<const ConvolutionForward> forward(const ConvolutionShape& shape,
                                                    const ConvolutionChoice& choice,
                                                    ConvolutionForward::Fusion fusion) override {
    return forward_.get(target_, handles_.get(), shape, choice, fusion);
  }
  std::shared_ptr<const ConvolutionBackwardData> backward_data(
      const ConvolutionShape& shape, const ConvolutionChoice& choice,
      ConvolutionBackwardData::Fusion fusion) override {
    return backward_data_.get(target_, handles_.get(), shape, choice, fusion);
  }
  std::shared_ptr<const ConvolutionBackwardWeights> backward_weights(
      const ConvolutionShape& shape, const ConvolutionChoice& choice,
      ConvolutionBackwardWeights::Fusion fusion) override {
    return backward_weights_.get(target_, handles_.get(), shape, choice, fusion);
  }

 private:
  Target target_;
  std::unique_ptr<Handles> handles_;
  Cache<ConvolutionForward, make_forward> forward_;
  Cache<ConvolutionBackwardData, make_backward_data> backward_data_;
  Cache<ConvolutionBackwardWeights, make_backward_weights> backward_weights_;
};

}  // namespace

std::unique_ptr<Convolutions> make_convolutions(const Target& target) {
  return std::make_unique<Cached>(target, nullptr);
}

std::string describe(const char* direction, const ConvolutionShape& shape,
                     const ConvolutionChoice& choice) {
  const auto number = [](int64_t value) { return std::to_string(value); };
  const char* types[] = {"f32", "bf16", "f16"};
  return std::string(direction) + " " + number(shape.kernel_height) + "x" +
         number(shape.kernel_width) + "/" + number(shape.stride) + " of " + number(shape.images) +
         "x" + number(shape.in_channels) + "x" + number(shape.height) + "x" + number(shape.width) +
         " to " + number(shape.out_channels) + " channels, " +
         types[static_cast<int>(choice.type)] + (choice.tf32 ? " (tf32)" : "") + ", tier " +
         number(static_cast<int64_t>(choice.tier)) +
         (choice.deterministic ? ", deterministic" : "");
}

void unsupported(const std::string& what, const char* reason) {
  throw Error("ERR_UNSUPPORTED", what + ": " + reason);
}

void zero(Runtime& runtime, Stream stream, float* first, float* second, int64_t channels) {
  const size_t bytes = static_cast<size_t>(channels) * sizeof(float);
  if (second == first + channels) return runtime.fill(stream, first, 0, 2 * bytes);
  for (float* vector : {first, second}) runtime.fill(stream, vector, 0, bytes);
}

}  // namespace cudnn

std::unique_ptr<Convolutions> make_convolutions(Runtime& runtime) {
  auto handles = std::make_unique<cudnn::Handles>(runtime);
  cudnn::Target target;
  target.handle = handles->of(Stream(0));
  return std::make_unique<cudnn::Cached>(target, std::move(handles));
}

}  // namespace preresnet::cuda
