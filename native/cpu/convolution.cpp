#include "cpu/convolution.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "core/error.h"
#include "cpu/blocks_of_8.h"
#include "cpu/passes/vectors.h"

namespace preresnet::cpu {
namespace {

using onednn::ConvolutionPrimitive;
using onednn::Direction;
using onednn::Operands;
using onednn::Packing;

int64_t operand_bytes(Operands operands) { return operands == Operands::bf16 ? 2 : 4; }

/// Few images: so that they stay in the second-level cache, and since oneDNN's forward kernels take
/// a slower order of loops for many. But enough pixels that writing out a weight gradient does not
/// outweigh computing it, and enough granules that sixteen threads find work. Nominal sizes, not
/// this machine's: results depend on granules.
int64_t choose_granule(const ConvolutionShape& shape, Operands operands) {
  constexpr int64_t kCacheBytes = 640 << 10, kLargeGradient = 256 << 10;
  constexpr int64_t kPixels = 512, kMostImages = 8;
  const int64_t image_bytes = (4 + operand_bytes(operands)) * shape.x_elements() +
                              operand_bytes(operands) * shape.y_elements();
  const bool large = 4 * shape.weights() > kLargeGradient;
  const int64_t wanted = kPixels / (shape.out_height * shape.out_width);
  const int64_t fitting = large ? kMostImages : kCacheBytes / image_bytes;
  const int64_t shared_out = shape.images / (large ? 4 : 16);
  const int64_t most = std::clamp<int64_t>(std::min(fitting, shared_out), 1, kMostImages);
  return std::clamp<int64_t>(wanted, 1, most);
}

/// A primitive for whole granules, and one for the batch's rest.
struct Pair {
  std::unique_ptr<ConvolutionPrimitive> whole, rest;

  Pair() = default;
  Pair(Direction direction, ConvolutionShape shape, Operands operands, int64_t granule, int block,
       int threads) {
    const int64_t remaining = shape.images % granule;
    shape.images = granule;
    whole =
        std::make_unique<ConvolutionPrimitive>(direction, shape, operands, block, threads, nullptr);
    if (remaining == 0) return;
    shape.images = remaining;
    rest = std::make_unique<ConvolutionPrimitive>(direction, shape, operands, block, threads,
                                                  whole.get());
  }
  size_t scratchpad_bytes() const {
    return std::max(whole ? whole->scratchpad_bytes() : 0, rest ? rest->scratchpad_bytes() : 0);
  }
  size_t weights_bytes() const { return whole ? whole->weights_bytes() : 0; }
};

class OnednnConvolution final : public Convolution {
 public:
  OnednnConvolution(const ConvolutionShape& shape, ConvolutionUse use, Operands operands,
                    int threads)
      : shape_(shape),
        operands_(operands),
        granule_(choose_granule(shape, operands)),
        block_(operands == Operands::bf16 ? 16 : onednn::block_of(shape)) {
    if (use.forward) {
      forward_ = Pair(Direction::forward, shape, operands, granule_, block_, threads);
      pack_forward_.emplace(Packing::To::packed, shape, *forward_.whole, threads);
    }
    if (use.backward_data) {
      data_ = Pair(Direction::backward_data, shape, operands, granule_, block_, threads);
      pack_backward_.emplace(Packing::To::packed, shape, *data_.whole, threads);
    }
    if (use.backward_weights) {
      weights_ = Pair(Direction::backward_weights, shape, operands, granule_, block_, threads);
      unpack_.emplace(Packing::To::plain, shape, *weights_.whole, threads);
    }
  }

  bool bf16_operands() const override { return operands_ == Operands::bf16; }
  int64_t granule() const override { return granule_; }

  size_t scratch_bytes() const override {
    const size_t scratchpad = std::max(
        {forward_.scratchpad_bytes(), data_.scratchpad_bytes(), weights_.scratchpad_bytes()});
    const size_t images =
        block_ == 16 ? 0 : granule_bytes(shape_.x_elements() + shape_.y_elements());
    return gradient_bytes() + images + scratchpad;
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

  void forward(int thread, int64_t images, const void* x, const void* packed, float* y,
               void* scratch) const override {
    const Room room = room_in(scratch);
    each_granule(images, forward_, [&](const ConvolutionPrimitive& primitive, Granule granule) {
      const void* from = images_of(x, granule, room);
      float* to = y + granule.first * shape_.y_elements();
      float* out = block_ == 16 ? to : room.y;
      primitive.run(thread, from, packed, out, room.scratchpad);
      output(out, y_side(granule), to);
    });
  }

  void backward_data(int thread, int64_t images, const void* dy, const void* packed, float* dx,
                     void* scratch) const override {
    const Room room = room_in(scratch);
    each_granule(images, data_, [&](const ConvolutionPrimitive& primitive, Granule granule) {
      const void* from = input(dy, granule.first * shape_.y_elements(), y_side(granule), room.y);
      float* to = dx + granule.first * shape_.x_elements();
      float* out = block_ == 16 ? to : room.x;
      primitive.run(thread, out, packed, from, room.scratchpad);
      output(out, x_side(granule), to);
    });
  }

  void backward_weights(int thread, int64_t images, const void* x, const void* dy, float* gradient,
                        bool accumulate, void* scratch) const override {
    const Room room = room_in(scratch);
    each_granule(images, weights_, [&](const ConvolutionPrimitive& primitive, Granule granule) {
      const bool add = accumulate || granule.first > 0;
      const void* from = images_of(x, granule, room);
      const void* by = input(dy, granule.first * shape_.y_elements(), y_side(granule), room.y);
      primitive.run(thread, from, add ? room.gradient : gradient, by, room.scratchpad);
      if (add) passes::add(gradient, room.gradient, gradient_elements());
    });
  }

 private:
  struct Granule {
    int64_t first, images;
  };
  /// Images on one side of the convolution: blocks of 16 channels, over all of them, and pixels.
  struct Side {
    int64_t blocks, pixels;
  };
  Side x_side(Granule granule) const {
    return {granule.images * shape_.channels / 16, shape_.height * shape_.width};
  }
  Side y_side(Granule granule) const {
    return {granule.images * shape_.filters / 16, shape_.out_height * shape_.out_width};
  }

  /// How a thread's scratch is used. oneDNN overwrites a weight gradient, so one granule's has a
  /// place; the images of one granule in blocks of 8 have, where they are needed.
  struct Room {
    float* gradient;
    float *x, *y;
    void* scratchpad;
  };
  Room room_in(void* scratch) const {
    auto* at = static_cast<std::byte*>(scratch);
    Room room{};
    room.gradient = reinterpret_cast<float*>(at);
    at += gradient_bytes();
    if (block_ != 16) {
      room.x = reinterpret_cast<float*>(at);
      room.y = room.x + granule_ * shape_.x_elements();
      at += granule_bytes(shape_.x_elements() + shape_.y_elements());
    }
    room.scratchpad = at;
    return room;
  }

  size_t gradient_bytes() const { return (weights_.weights_bytes() + 63) / 64 * 64; }
  size_t granule_bytes(int64_t image_elements) const {
    return static_cast<size_t>(granule_ * image_elements) * sizeof(float);
  }

  const void* operand(const void* images, int64_t first) const {
    return static_cast<const std::byte*>(images) + first * operand_bytes(operands_);
  }
  const void* input(const void* images, int64_t first, Side side, float* room) const {
    const void* from = operand(images, first);
    if (block_ == 16) return from;
    split_blocks(static_cast<const float*>(from), side.blocks, side.pixels, room);
    return room;
  }
  const void* images_of(const void* x, Granule granule, const Room& room) const {
    const int64_t first = granule.first * shape_.x_elements();
    return shape_.planes > 0 ? operand(x, first) : input(x, first, x_side(granule), room.x);
  }
  void output(const float* result, Side side, float* to) const {
    if (result != to) join_blocks(result, side.blocks, side.pixels, to);
  }

  template <class Function>
  void each_granule(int64_t images, const Pair& pair, Function&& function) const {
    int64_t first = 0;
    for (; first + granule_ <= images; first += granule_) {
      function(*pair.whole, Granule{first, granule_});
    }
    if (first < images) function(*pair.rest, Granule{first, images - first});
  }

  ConvolutionShape shape_;
  Operands operands_;
  int64_t granule_;
  int block_;
  Pair forward_, data_, weights_;
  std::optional<Packing> pack_forward_, pack_backward_, unpack_;
};

}  // namespace

void Convolution::finish_forward(int, int64_t, const void*, const void*, const Epilogue&, float*,
                                 void*) const {
  throw Error("ERR_INTERNAL", "convolution: expected an algorithm that takes an epilogue");
}

void Convolution::fused_forward(const passes::TransformPass&, const void*,
                                const passes::OutputPass&, void*) const {
  throw Error("ERR_INTERNAL", "convolution: expected an algorithm that does everything");
}

void Convolution::fused_backward(const passes::GradientPass&, const passes::TransformPass&,
                                 const void*, const passes::InputGradientPass&, float*,
                                 void*) const {
  throw Error("ERR_INTERNAL", "convolution: expected an algorithm that does everything");
}

std::unique_ptr<Convolution> make_onednn_convolution(const ConvolutionShape& shape,
                                                     ConvolutionUse use, Operands operands,
                                                     int threads) {
  return std::make_unique<OnednnConvolution>(shape, use, operands, threads);
}

}  // namespace preresnet::cpu
