// Convolutions of kernel 3 and stride 1 by Winograd's F(4x4, 3x3), behind the same interface as
// oneDNN's direct kernels.
#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "cpu/convolution.h"
#include "cpu/winograd.h"

namespace preresnet::cpu {
namespace {

class WinogradConvolution final : public Convolution {
 public:
  explicit WinogradConvolution(const ConvolutionShape& shape)
      : shape_(shape),
        forward_{static_cast<int>(shape.channels / 16), static_cast<int>(shape.filters / 16),
                 static_cast<int>(shape.height), static_cast<int>(shape.width)},
        adjoint_{forward_.out_blocks, forward_.in_blocks, forward_.height, forward_.width} {}

  bool bf16_operands() const override { return false; }
  /// Tiles are summed one by one in the order of images: results hang on no grouping, so a granule
  /// is what fits the cache.
  int64_t granule() const override {
    constexpr int64_t kCacheBytes = 512 << 10, kMostImages = 8;
    const int64_t image_bytes = 4 * (2 * shape_.x_elements() + shape_.y_elements());
    const int64_t shared_out = std::max<int64_t>(1, shape_.images / 16);
    return std::clamp<int64_t>(kCacheBytes / image_bytes, 1, std::min(kMostImages, shared_out));
  }
  /// Many filters are read from far: by several images at a time.
  int64_t block(int threads) const override {
    constexpr int64_t kTiles = 64;
    if (!winograd::large_filters(forward_)) return granule();
    const int64_t tiles = (shape_.height + 3) / 4 * ((shape_.width + 3) / 4);
    const int64_t shared_out = (shape_.images + threads - 1) / threads;
    return std::max(granule(), std::min(kTiles / tiles, shared_out));
  }
  size_t scratch_bytes() const override {
    const size_t slice =
        winograd::filter_floats(forward_) / static_cast<size_t>(forward_.out_blocks);
    return sizeof(float) * std::max({winograd::scratch_floats(forward_),
                                     winograd::scratch_floats(adjoint_), slice});
  }

  size_t collected_bytes() const override {
    constexpr size_t kMostBytes = size_t{64} << 20;
    if (!winograd::large_filters(forward_)) return 0;
    const size_t bytes =
        sizeof(float) * winograd::collected_floats(forward_, static_cast<int>(shape_.images));
    return bytes <= kMostBytes ? bytes : 0;
  }
  void collect(int64_t first, int64_t images, const void* x, const void* dy,
               float* collected) const override {
    winograd::collect(forward_, static_cast<int>(images), static_cast<int>(first),
                      static_cast<int>(shape_.images), static_cast<const float*>(x),
                      static_cast<const float*>(dy), collected);
  }
  void collected_gradient(int64_t slice, const float* collected, float* plain,
                          void* scratch) const override {
    winograd::collected_gradient(forward_, static_cast<int>(shape_.images), static_cast<int>(slice),
                                 collected, plain, static_cast<float*>(scratch));
  }

  size_t forward_weights_bytes() const override {
    return sizeof(float) * winograd::filter_floats(forward_);
  }
  size_t backward_weights_bytes() const override { return forward_weights_bytes(); }
  int64_t forward_packing_slices() const override { return forward_.out_blocks; }
  int64_t backward_packing_slices() const override { return adjoint_.out_blocks; }
  void pack_forward(int, int64_t slice, const float* plain, void* packed) const override {
    winograd::transform_filter(forward_, static_cast<int>(slice), false, plain,
                               static_cast<float*>(packed));
  }
  void pack_backward(int, int64_t slice, const float* plain, void* packed) const override {
    winograd::transform_filter(adjoint_, static_cast<int>(slice), true, plain,
                               static_cast<float*>(packed));
  }
  int64_t gradient_elements() const override {
    return static_cast<int64_t>(winograd::filter_floats(forward_));
  }
  int64_t unpacking_slices() const override { return forward_.out_blocks; }
  void unpack_gradient(int, int64_t slice, const float* gradient, float* plain) const override {
    winograd::finish_filter_gradient(forward_, static_cast<int>(slice), gradient, plain);
  }

  void forward(int, int64_t images, const void* x, const void* packed, float* y,
               void* scratch) const override {
    finish_forward(0, images, x, packed, {}, y, scratch);
  }
  bool takes_epilogue() const override { return true; }
  void finish_forward(int, int64_t images, const void* x, const void* packed,
                      const Epilogue& epilogue, float* y, void* scratch) const override {
    winograd::forward(forward_, static_cast<int>(images), static_cast<const float*>(x),
                      static_cast<const float*>(packed), epilogue, y, static_cast<float*>(scratch));
  }
  void backward_data(int, int64_t images, const void* dy, const void* packed, float* dx,
                     void* scratch) const override {
    winograd::forward(adjoint_, static_cast<int>(images), static_cast<const float*>(dy),
                      static_cast<const float*>(packed), {}, dx, static_cast<float*>(scratch));
  }
  void backward_weights(int, int64_t images, const void* x, const void* dy, float* gradient,
                        bool accumulate, void* scratch) const override {
    if (!accumulate) std::memset(gradient, 0, sizeof(float) * winograd::filter_floats(forward_));
    winograd::accumulate_filter_gradient(
        forward_, static_cast<int>(images), static_cast<const float*>(x),
        static_cast<const float*>(dy), gradient, static_cast<float*>(scratch));
  }

 private:
  ConvolutionShape shape_;
  winograd::Geometry forward_, adjoint_;
};

}  // namespace

std::unique_ptr<Convolution> make_winograd_convolution(const ConvolutionShape& shape) {
  if (shape.kernel_height != 3 || shape.kernel_width != 3 || shape.stride != 1 ||
      shape.padding != 1) {
    throw Error("ERR_UNSUPPORTED", "winograd: expected kernel 3, stride 1 and padding 1");
  }
  return std::make_unique<WinogradConvolution>(shape);
}

}  // namespace preresnet::cpu
