#include "cpu/direct_convolution.h"

#include <algorithm>

#include "core/bf16.h"
#include "cpu/passes/direct.h"

namespace preresnet::cpu {
namespace {

class DirectConvolution final : public PartConvolution {
 public:
  DirectConvolution(const ConvolutionShape& shape, bool bf16)
      : window_{.height = shape.height,
                .width = shape.width,
                .kernel_height = shape.kernel_height,
                .kernel_width = shape.kernel_width,
                .stride = shape.stride,
                .padding = shape.padding},
        channels_(shape.in_channels()),
        out_blocks_(shape.filters / 16),
        pixels_(shape.out_height * shape.out_width) {
    const int64_t blocks = shape.channels / 16;
    depth_.bf16 = bf16;
    depth_.steps = window_.taps() * blocks;
    if (shape.planes > 0) depth_.lanes = bf16 ? (shape.planes + 1) / 2 * 2 : shape.planes;
  }

  size_t packed_bytes() const override {
    return static_cast<size_t>(out_blocks_ * filter_block()) * (depth_.bf16 ? 2 : 4);
  }
  int64_t packing_slices() const override { return out_blocks_; }
  void pack(int, int64_t slice, const float* plain, void* packed) const override {
    const float* from = plain + slice * 16 * channels_ * window_.taps();
    if (depth_.bf16) {
      pack_pairs(from, static_cast<uint16_t*>(packed) + slice * filter_block());
    } else {
      pack_lanes(from, static_cast<float*>(packed) + slice * filter_block());
    }
  }

  size_t scratch_bytes() const override { return passes::direct_scratch(depth_); }
  int64_t units_of_image() const override { return pixels_; }

  Parts parts(int64_t images, int threads) const override {
    constexpr size_t kLargeWeights = 256 << 10;
    constexpr int64_t kFewPixels = 16;
    const int64_t all = images * pixels_;
    // Each thread reads what it has of large weights once.
    const bool by_filters = out_blocks_ >= threads && images < threads &&
                            (packed_bytes() >= kLargeWeights || all < kFewPixels * threads);
    if (by_filters) return {all, (out_blocks_ + threads - 1) / threads};
    if (images >= 4 * threads) return {pixels_, out_blocks_};
    return {(all + threads - 1) / threads, out_blocks_};
  }

  void run(const passes::TransformPass& x, const void* packed, const passes::OutputPass& output,
           Range units, Range filters, void* scratch) const override {
    passes::DirectPass pass{.x = x,
                            .output = output,
                            .window = window_,
                            .depth = depth_,
                            .weights = packed,
                            .image = units.begin / pixels_,
                            .pixels = {},
                            .filters = filters,
                            .scratch = static_cast<std::byte*>(scratch)};
    for (; pass.image * pixels_ < units.end; ++pass.image) {
      const int64_t first = pass.image * pixels_;
      pass.pixels = {std::max<int64_t>(units.begin - first, 0),
                     std::min(units.end - first, pixels_)};
      passes::run(pass);
    }
  }

 private:
  /// Elements of 16 filters.
  int64_t filter_block() const { return depth_.steps * depth_.lanes * 16; }

  /// Calls function(filter of 16, weight) for all channels and taps in the order in which they are
  /// multiplied: channels past the last are 0.
  template <class Function>
  void each_weight(const float* plain, Function&& function) const {
    const int64_t taps = window_.taps();
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t channel = 0; channel < depth_.steps / taps * depth_.lanes; ++channel) {
        for (int64_t filter = 0; filter < 16; ++filter) {
          const bool there = channel < channels_;
          function(filter, there ? plain[(filter * channels_ + channel) * taps + tap] : 0.0f);
        }
      }
    }
  }

  void pack_lanes(const float* plain, float* to) const {
    each_weight(plain, [&](int64_t, float weight) { *to++ = weight; });
  }
  void pack_pairs(const float* plain, uint16_t* to) const {
    int64_t index = 0;
    each_weight(plain, [&](int64_t filter, float weight) {
      to[index / 32 * 32 + filter * 2 + index % 32 / 16] = to_bf16(weight);
      ++index;
    });
  }

  passes::DirectWindow window_;
  passes::DirectDepth depth_;
  int64_t channels_, out_blocks_, pixels_;
};

}  // namespace

std::unique_ptr<PartConvolution> make_direct_convolution(const ConvolutionShape& shape,
                                                         bool bf16_products) {
  return std::make_unique<DirectConvolution>(shape, bf16_products);
}

}  // namespace preresnet::cpu
