#include "cpu/onednn_convolution.h"

#include <algorithm>
#include <cstddef>

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

struct Granule {
  int64_t first, images;
};

/// One direction of a convolution in primitives: one for whole granules, and one for the batch's
/// rest.
class Primitives {
 public:
  Primitives(Direction direction, ConvolutionShape shape, Operands operands, int block, int threads)
      : granule_(choose_granule(shape, operands)) {
    const int64_t remaining = shape.images % granule_;
    shape.images = granule_;
    whole_ =
        std::make_unique<ConvolutionPrimitive>(direction, shape, operands, block, threads, nullptr);
    if (remaining == 0) return;
    shape.images = remaining;
    rest_ = std::make_unique<ConvolutionPrimitive>(direction, shape, operands, block, threads,
                                                   whole_.get());
  }

  int64_t granule() const { return granule_; }
  const ConvolutionPrimitive& whole() const { return *whole_; }
  size_t weights_bytes() const { return whole_->weights_bytes(); }
  size_t scratchpad_bytes() const {
    return std::max(whole_->scratchpad_bytes(), rest_ ? rest_->scratchpad_bytes() : 0);
  }

  template <class Function>
  void each_granule(int64_t images, Function&& function) const {
    int64_t first = 0;
    for (; first + granule_ <= images; first += granule_) {
      function(*whole_, Granule{first, granule_});
    }
    if (first < images) function(*rest_, Granule{first, images - first});
  }

 private:
  int64_t granule_;
  std::unique_ptr<ConvolutionPrimitive> whole_, rest_;
};

/// The images on one side of a convolution, and a granule of them in blocks of 8 channels where
/// oneDNN wants those.
class Side {
 public:
  /// planes: x has them instead of blocks.
  Side(int64_t channels, int64_t pixels, Operands operands, int block, bool planes = false)
      : channels_(channels),
        pixels_(pixels),
        operand_bytes_(operand_bytes(operands)),
        splits_(block != 16 && !planes),
        stands_(block == 16) {}

  size_t bytes(int64_t images) const {
    return stands_ ? 0 : static_cast<size_t>(images * channels_ * pixels_) * sizeof(float);
  }
  /// What the primitive reads: the images themselves, or a copy in `room`.
  const void* read(const void* images, Granule granule, float* room) const {
    const void* from = static_cast<const std::byte*>(images) +
                       granule.first * channels_ * pixels_ * operand_bytes_;
    if (!splits_) return from;
    split_blocks(static_cast<const float*>(from), blocks(granule), pixels_, room);
    return room;
  }
  /// Where the primitive writes.
  float* target(float* images, Granule granule, float* room) const {
    return stands_ ? images + granule.first * channels_ * pixels_ : room;
  }
  /// What it wrote, to where it belongs.
  void written(float* images, Granule granule, const float* room) const {
    if (!stands_) {
      join_blocks(room, blocks(granule), pixels_, images + granule.first * channels_ * pixels_);
    }
  }

 private:
  int64_t blocks(Granule granule) const { return granule.images * channels_ / 16; }

  int64_t channels_, pixels_, operand_bytes_;
  bool splits_;  // what is read, into blocks of 8
  bool stands_;  // in blocks of 16 for the primitive too
};

Side x_side(const ConvolutionShape& shape, Operands operands, int block) {
  return {shape.in_channels(), shape.height * shape.width, operands, block, shape.planes > 0};
}
Side y_side(const ConvolutionShape& shape, Operands operands, int block) {
  return {shape.filters, shape.out_height * shape.out_width, operands, block};
}

/// Channels to a block.
int block_of(const ConvolutionShape& shape, Operands operands) {
  return operands == Operands::bf16 ? 16 : onednn::block_of(shape);
}

size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

class OnednnConvolution final : public BlockConvolution {
 public:
  OnednnConvolution(Direction direction, const ConvolutionShape& shape, Operands operands,
                    int block, int threads)
      : forward_(direction == Direction::forward),
        primitives_(direction, shape, operands, block, threads),
        packing_(Packing::To::packed, shape, primitives_.whole(), threads),
        from_(forward_ ? x_side(shape, operands, block) : y_side(shape, operands, block)),
        to_(forward_ ? y_side(shape, operands, block) : x_side(shape, operands, block)) {}

  size_t packed_bytes() const override { return primitives_.weights_bytes(); }
  int64_t packing_slices() const override { return packing_.slices(); }
  void pack(int thread, int64_t slice, const float* plain, void* packed) const override {
    packing_.run(thread, static_cast<int>(slice), plain, packed);
  }

  size_t scratch_bytes() const override {
    return from_bytes() + to_bytes() + primitives_.scratchpad_bytes();
  }
  void run(int thread, int64_t images, const void* from, const void* packed, float* to,
           void* scratch) const override {
    auto* at = static_cast<std::byte*>(scratch);
    auto* from_room = reinterpret_cast<float*>(at);
    auto* to_room = reinterpret_cast<float*>(at + from_bytes());
    void* scratchpad = at + from_bytes() + to_bytes();
    primitives_.each_granule(images, [&](const ConvolutionPrimitive& primitive, Granule granule) {
      const void* in = from_.read(from, granule, from_room);
      float* out = to_.target(to, granule, to_room);
      if (forward_) {
        primitive.run(thread, in, packed, out, scratchpad);
      } else {
        primitive.run(thread, out, packed, in, scratchpad);
      }
      to_.written(to, granule, out);
    });
  }

 private:
  size_t from_bytes() const { return round_up(from_.bytes(primitives_.granule())); }
  size_t to_bytes() const { return round_up(to_.bytes(primitives_.granule())); }

  bool forward_;
  Primitives primitives_;
  Packing packing_;
  Side from_, to_;
};

class OnednnGradient final : public BlockWeightGradient {
 public:
  OnednnGradient(const ConvolutionShape& shape, Operands operands, int block, int threads)
      : primitives_(Direction::backward_weights, shape, operands, block, threads),
        unpacking_(Packing::To::plain, shape, primitives_.whole(), threads),
        x_(x_side(shape, operands, block)),
        y_(y_side(shape, operands, block)) {}

  int64_t gradient_elements() const override {
    return static_cast<int64_t>(primitives_.weights_bytes() / sizeof(float));
  }
  int64_t unpacking_slices() const override { return unpacking_.slices(); }
  void unpack(int thread, int64_t slice, const float* gradient, float* plain) const override {
    unpacking_.run(thread, static_cast<int>(slice), gradient, plain);
  }

  size_t scratch_bytes() const override {
    return gradient_bytes() + x_bytes() + y_bytes() + primitives_.scratchpad_bytes();
  }
  /// oneDNN overwrites a weight gradient, so one granule's has memory.
  void run(int thread, int64_t images, const void* x, const void* dy, float* gradient,
           bool accumulate, void* scratch) const override {
    auto* at = static_cast<std::byte*>(scratch);
    auto* one = reinterpret_cast<float*>(at);
    auto* x_room = reinterpret_cast<float*>(at += gradient_bytes());
    auto* y_room = reinterpret_cast<float*>(at += x_bytes());
    void* scratchpad = at += y_bytes();
    primitives_.each_granule(images, [&](const ConvolutionPrimitive& primitive, Granule granule) {
      const bool add = accumulate || granule.first > 0;
      const void* from = x_.read(x, granule, x_room);
      const void* by = y_.read(dy, granule, y_room);
      primitive.run(thread, from, add ? one : gradient, by, scratchpad);
      if (add) passes::add(gradient, one, gradient_elements());
    });
  }

 private:
  size_t gradient_bytes() const { return round_up(primitives_.weights_bytes()); }
  size_t x_bytes() const { return round_up(x_.bytes(primitives_.granule())); }
  size_t y_bytes() const { return round_up(y_.bytes(primitives_.granule())); }

  Primitives primitives_;
  Packing unpacking_;
  Side x_, y_;
};

}  // namespace

BlockTerms onednn_terms(const ConvolutionShape& shape, Operands operands) {
  const int64_t granule = choose_granule(shape, operands);
  return {.bf16_operands = operands == Operands::bf16, .granule = granule, .block = granule};
}

std::unique_ptr<BlockConvolution> make_onednn_convolution(Direction direction,
                                                          const ConvolutionShape& shape,
                                                          Operands operands, int threads) {
  return std::make_unique<OnednnConvolution>(direction, shape, operands, block_of(shape, operands),
                                             threads);
}

std::unique_ptr<BlockWeightGradient> make_onednn_gradient(const ConvolutionShape& shape,
                                                          Operands operands, int threads) {
  return std::make_unique<OnednnGradient>(shape, operands, block_of(shape, operands), threads);
}

}  // namespace preresnet::cpu
