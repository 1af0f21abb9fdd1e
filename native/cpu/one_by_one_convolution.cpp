#include "cpu/one_by_one_convolution.h"

#include "core/bf16.h"
#include "cpu/instruction_sets.h"
#include "cpu/passes/one_by_one.h"
#include "cpu/passes/one_by_one_backward.h"

namespace preresnet::cpu {
namespace {

bool fits(const ConvolutionShape& shape) {
  return shape.kernel_height == 1 && shape.kernel_width == 1 && shape.stride == 1 &&
         shape.padding == 0 && shape.planes == 0 && multiplies_bf16();
}

size_t bytes_of_weights(int64_t in_blocks, int64_t out_blocks) {
  return static_cast<size_t>(in_blocks * out_blocks * 256) * sizeof(uint16_t);
}

/// Sixteen rows of one side, `row` apart, with all `count` of the other, `step` apart, in pairs.
void pack_pairs(const float* plain, int64_t row, int64_t step, int64_t count, uint16_t* to) {
  for (int64_t k = 0; k < count; k += 2, to += 32) {
    for (int64_t lane = 0; lane < 16; ++lane) {
      to[lane * 2] = to_bf16(plain[lane * row + k * step]);
      to[lane * 2 + 1] = to_bf16(plain[lane * row + (k + 1) * step]);
    }
  }
}

class OneByOneConvolution final : public FusedConvolution {
 public:
  explicit OneByOneConvolution(const ConvolutionShape& shape)
      : in_blocks_(shape.channels / 16), out_blocks_(shape.filters / 16) {}

  size_t scratch_bytes() const override {
    return passes::one_by_one_scratch(in_blocks_, out_blocks_);
  }
  size_t packed_bytes() const override { return bytes_of_weights(in_blocks_, out_blocks_); }
  int64_t packing_slices() const override { return out_blocks_; }
  /// [out blocks][in / 2][16 out][2]
  void pack(int, int64_t slice, const float* plain, void* packed) const override {
    const int64_t channels = in_blocks_ * 16;
    pack_pairs(plain + slice * 16 * channels, channels, 1, channels,
               static_cast<uint16_t*>(packed) + slice * channels * 16);
  }

  void run(const passes::TransformPass& x, const void* packed, const passes::OutputPass& output,
           void* scratch) const override {
    passes::run(passes::OneByOnePass{.x = x,
                                     .weights = static_cast<const uint16_t*>(packed),
                                     .output = output,
                                     .scratch = static_cast<std::byte*>(scratch)});
  }

 private:
  int64_t in_blocks_, out_blocks_;
};

class OneByOneBackward final : public FusedBackward {
 public:
  explicit OneByOneBackward(const ConvolutionShape& shape)
      : in_blocks_(shape.channels / 16), out_blocks_(shape.filters / 16) {}

  size_t scratch_bytes() const override {
    return passes::one_by_one_backward_scratch(in_blocks_, out_blocks_);
  }
  size_t packed_bytes() const override { return bytes_of_weights(in_blocks_, out_blocks_); }
  int64_t packing_slices() const override { return in_blocks_; }
  /// [in blocks][out / 2][16 in][2]
  void pack(int, int64_t slice, const float* plain, void* packed) const override {
    const int64_t filters = out_blocks_ * 16;
    pack_pairs(plain + slice * 16, 1, in_blocks_ * 16, filters,
               static_cast<uint16_t*>(packed) + slice * filters * 16);
  }
  /// [out blocks][in][16 out]
  int64_t gradient_elements() const override { return in_blocks_ * out_blocks_ * 256; }
  int64_t unpacking_slices() const override { return out_blocks_; }
  void unpack(int, int64_t slice, const float* gradient, float* plain) const override {
    const int64_t channels = in_blocks_ * 16;
    const float* from = gradient + slice * channels * 16;
    for (int64_t out = 0; out < 16; ++out) {
      float* to = plain + (slice * 16 + out) * channels;
      for (int64_t in = 0; in < channels; ++in) to[in] = from[in * 16 + out];
    }
  }

  void run(const passes::GradientPass& dy, const passes::TransformPass& x, const void* packed,
           const passes::InputGradientPass& dx, float* gradient, void* scratch) const override {
    passes::run(passes::OneByOneBackwardPass{.dy = dy,
                                             .x = x,
                                             .dx = dx,
                                             .weights = static_cast<const uint16_t*>(packed),
                                             .dw = gradient,
                                             .scratch = static_cast<std::byte*>(scratch)});
  }

 private:
  int64_t in_blocks_, out_blocks_;
};

}  // namespace

std::unique_ptr<FusedConvolution> make_one_by_one_convolution(const ConvolutionShape& shape) {
  if (!fits(shape)) return nullptr;
  return std::make_unique<OneByOneConvolution>(shape);
}

std::unique_ptr<FusedBackward> make_one_by_one_backward(const ConvolutionShape& shape) {
  // It was measured to be the faster where channels become fewer; where they become more, the many
  // tensors at its output are read better one after another.
  if (!fits(shape) || shape.filters > shape.channels) return nullptr;
  return std::make_unique<OneByOneBackward>(shape);
}

}  // namespace preresnet::cpu
