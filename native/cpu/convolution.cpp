#include "cpu/convolution.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "cpu/passes/vectors.h"

namespace preresnet::cpu {
namespace {

using onednn::ConvolutionPrimitive;
using onednn::Direction;
using onednn::Packing;

/// As many images as keep a block in the second-level cache, but enough pixels that writing out a
/// weight gradient does not outweigh computing it, and few enough that sixteen threads find work.
/// Nominal sizes, not this machine's: results depend on it.
int64_t choose_granule(const ConvolutionShape& shape) {
  constexpr int64_t kCacheBytes = 640 << 10, kSmallGradient = 256 << 10, kMostImages = 8;
  const int64_t image_bytes = 4 * (2 * shape.x_elements() + shape.y_elements());
  const int64_t fitting = kCacheBytes / image_bytes;
  const bool large = 4 * shape.weights() > kSmallGradient;
  const int64_t pixels = shape.out_height * shape.out_width;
  const int64_t wanted = (large ? 512 : 64) / pixels;
  const int64_t shared_out = shape.images / (large ? 4 : 16);
  const int64_t most = std::clamp<int64_t>(shared_out, 1, kMostImages);
  return std::clamp<int64_t>(std::max(fitting, wanted), 1, most);
}

/// A primitive for whole granules, and one for the batch's rest.
struct Pair {
  std::unique_ptr<ConvolutionPrimitive> whole, rest;

  Pair() = default;
  Pair(Direction direction, ConvolutionShape shape, int64_t granule, int threads) {
    const int64_t remaining = shape.images % granule;
    shape.images = granule;
    whole = std::make_unique<ConvolutionPrimitive>(direction, shape, threads, nullptr);
    if (remaining == 0) return;
    shape.images = remaining;
    rest = std::make_unique<ConvolutionPrimitive>(direction, shape, threads, whole.get());
  }
  size_t scratchpad_bytes() const {
    return std::max(whole ? whole->scratchpad_bytes() : 0, rest ? rest->scratchpad_bytes() : 0);
  }
  size_t weights_bytes() const { return whole ? whole->weights_bytes() : 0; }
};

class OnednnConvolution final : public Convolution {
 public:
  OnednnConvolution(const ConvolutionShape& shape, ConvolutionUse use, int threads)
      : shape_(shape), granule_(choose_granule(shape)) {
    if (use.forward) {
      forward_ = Pair(Direction::forward, shape, granule_, threads);
      pack_forward_.emplace(Packing::To::packed, shape, *forward_.whole, threads);
    }
    if (use.backward_data) {
      data_ = Pair(Direction::backward_data, shape, granule_, threads);
      pack_backward_.emplace(Packing::To::packed, shape, *data_.whole, threads);
    }
    if (use.backward_weights) {
      weights_ = Pair(Direction::backward_weights, shape, granule_, threads);
      unpack_.emplace(Packing::To::plain, shape, *weights_.whole, threads);
    }
  }

  int64_t granule() const override { return granule_; }

  size_t scratch_bytes() const override {
    // backward_weights needs room for one granule's gradient: oneDNN overwrites.
    return std::max({forward_.scratchpad_bytes(), data_.scratchpad_bytes(),
                     gradient_bytes() + weights_.scratchpad_bytes()});
  }

  size_t forward_weights_bytes() const override { return forward_.weights_bytes(); }
  size_t backward_weights_bytes() const override { return data_.weights_bytes(); }
  int64_t forward_packing_slices() const override { return pack_forward_->slices(); }
  int64_t backward_packing_slices() const override { return pack_backward_->slices(); }
  void pack_forward(int thread, int64_t slice, const float* plain, void* packed) const override {
    pack_forward_->run(thread, static_cast<int>(slice), plain, packed);
  }
  void pack_backward(int thread, int64_t slice, const float* plain, void* packed) const override {
    pack_backward_->run(thread, static_cast<int>(slice), plain, packed);
  }
  int64_t gradient_elements() const override {
    return static_cast<int64_t>(weights_.weights_bytes() / sizeof(float));
  }
  int64_t unpacking_slices() const override { return unpack_->slices(); }
  void unpack_gradient(int thread, int64_t slice, const float* gradient,
                       float* plain) const override {
    unpack_->run(thread, static_cast<int>(slice), gradient, plain);
  }

  void forward(int thread, int64_t images, const float* x, const void* packed, float* y,
               void* scratch) const override {
    each_granule(images, forward_, [&](const ConvolutionPrimitive& primitive, int64_t image) {
      primitive.run(thread, x + image * shape_.x_elements(), static_cast<const float*>(packed),
                    y + image * shape_.y_elements(), scratch);
    });
  }

  void backward_data(int thread, int64_t images, const float* dy, const void* packed, float* dx,
                     void* scratch) const override {
    each_granule(images, data_, [&](const ConvolutionPrimitive& primitive, int64_t image) {
      primitive.run(thread, dx + image * shape_.x_elements(), static_cast<const float*>(packed),
                    dy + image * shape_.y_elements(), scratch);
    });
  }

  void backward_weights(int thread, int64_t images, const float* x, const float* dy,
                        float* gradient, bool accumulate, void* scratch) const override {
    auto* part = static_cast<float*>(scratch);
    void* scratchpad = static_cast<std::byte*>(scratch) + gradient_bytes();
    each_granule(images, weights_, [&](const ConvolutionPrimitive& primitive, int64_t image) {
      const bool add = accumulate || image > 0;
      primitive.run(thread, x + image * shape_.x_elements(), add ? part : gradient,
                    dy + image * shape_.y_elements(), scratchpad);
      if (add) passes::add(gradient, part, gradient_elements());
    });
  }

 private:
  size_t gradient_bytes() const { return (weights_.weights_bytes() + 63) / 64 * 64; }

  template <class Function>
  void each_granule(int64_t images, const Pair& pair, Function&& function) const {
    int64_t image = 0;
    for (; image + granule_ <= images; image += granule_) function(*pair.whole, image);
    if (image < images) function(*pair.rest, image);
  }

  ConvolutionShape shape_;
  int64_t granule_;
  Pair forward_, data_, weights_;
  std::optional<Packing> pack_forward_, pack_backward_, unpack_;
};

}  // namespace

std::unique_ptr<Convolution> make_onednn_convolution(const ConvolutionShape& shape,
                                                     ConvolutionUse use, int threads) {
  return std::make_unique<OnednnConvolution>(shape, use, threads);
}

}  // namespace preresnet::cpu
