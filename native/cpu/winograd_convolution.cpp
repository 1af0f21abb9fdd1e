#include "cpu/winograd_convolution.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "cpu/winograd.h"

namespace preresnet::cpu {
namespace {

using winograd::Geometry;
using winograd::HalfFilters;

Geometry forward_geometry(const ConvolutionShape& shape) {
  return {static_cast<int>(shape.channels / 16), static_cast<int>(shape.filters / 16),
          static_cast<int>(shape.height), static_cast<int>(shape.width)};
}

/// Of the pass from dy to dx.
Geometry adjoint_geometry(const ConvolutionShape& shape) {
  const Geometry forward = forward_geometry(shape);
  return {forward.out_blocks, forward.in_blocks, forward.height, forward.width};
}

/// Tiles are summed one by one in the order of images: results depend on no grouping, so a granule
/// is what fits the cache.
int64_t choose_granule(const ConvolutionShape& shape) {
  constexpr int64_t kCacheBytes = 512 << 10, kMostImages = 8;
  const int64_t image_bytes = 4 * (2 * shape.x_elements() + shape.y_elements());
  const int64_t shared_out = std::max<int64_t>(1, shape.images / 16);
  return std::clamp<int64_t>(kCacheBytes / image_bytes, 1, std::min(kMostImages, shared_out));
}

/// Many filters are read from far: by several images at a time.
int64_t choose_block(const ConvolutionShape& shape, int64_t granule, int threads) {
  constexpr int64_t kTiles = 64;
  const Geometry geometry = forward_geometry(shape);
  if (!winograd::large_filters(geometry)) return granule;
  const int64_t shared_out = (shape.images + threads - 1) / threads;
  return std::max(granule, std::min(kTiles / winograd::tiles_of(geometry), shared_out));
}

size_t collected_bytes_of(const ConvolutionShape& shape) {
  return sizeof(float) *
         winograd::collected_floats(forward_geometry(shape), static_cast<int>(shape.images));
}

/// What convolutions of either kind have: their scratch and their transformed filters.
template <class Convolution>
class TransformedFilters : public Convolution {
 public:
  size_t scratch_bytes() const override {
    return sizeof(float) * winograd::scratch_floats(geometry_);
  }
  size_t packed_bytes() const override {
    return sizeof(float) * winograd::filter_floats(geometry_);
  }
  int64_t packing_slices() const override { return geometry_.out_blocks; }
  void pack(int, int64_t slice, const float* plain, void* packed) const override {
    winograd::transform_filter(geometry_, static_cast<int>(slice), adjoint_, plain,
                               static_cast<float*>(packed));
  }

 protected:
  TransformedFilters(const Geometry& geometry, bool adjoint)
      : geometry_(geometry), adjoint_(adjoint) {}

  const Geometry geometry_;

 private:
  bool adjoint_;
};

class WinogradConvolution final : public TransformedFilters<BlockConvolution> {
 public:
  WinogradConvolution(const Geometry& geometry, bool adjoint)
      : TransformedFilters(geometry, adjoint) {}

  void run(int, int64_t images, const void* from, const void* packed, float* to,
           void* scratch) const override {
    winograd::forward(geometry_, static_cast<int>(images), static_cast<const float*>(from),
                      static_cast<const float*>(packed), to, static_cast<float*>(scratch));
  }
};

class WinogradParts : public TransformedFilters<PartConvolution> {
 public:
  explicit WinogradParts(const Geometry& geometry) : TransformedFilters(geometry, false) {}

  int64_t units_of_image() const override { return winograd::tiles_of(geometry_); }

  Parts parts(int64_t images, int threads) const override {
    // Tiles that are multiplied together; of large filters, that one reading of them serves.
    constexpr int64_t kTogether = 4, kOfLarge = 64;
    const int64_t tiles = winograd::tiles_of(geometry_), all = images * tiles;
    const int64_t blocks = geometry_.out_blocks;
    const bool large = winograd::large_filters(geometry_);
    if (all < (large ? kOfLarge : kTogether) * threads && blocks > 1) {
      return {all, (blocks + threads - 1) / threads};
    }
    if (large) return {kOfLarge, blocks};
    if (images >= 4 * threads) return {tiles, blocks};
    return {((all + threads - 1) / threads + kTogether - 1) / kTogether * kTogether, blocks};
  }

  void run(const passes::TransformPass& x, const void* packed, const passes::OutputPass& output,
           Range units, Range filters, void* scratch) const override {
    winograd::forward(geometry_, {.x = x, .output = output, .tiles = units, .filters = filters},
                      static_cast<const float*>(packed), static_cast<float*>(scratch));
  }
};

class HalfWinogradParts final : public WinogradParts {
 public:
  explicit HalfWinogradParts(const Geometry& geometry) : WinogradParts(geometry) {}

  size_t packed_bytes() const override { return HalfFilters::bytes(geometry_); }
  void pack(int, int64_t slice, const float* plain, void* packed) const override {
    winograd::transform_filter_to_half(geometry_, static_cast<int>(slice), plain, packed);
  }
  void run(const passes::TransformPass& x, const void* packed, const passes::OutputPass& output,
           Range units, Range filters, void* scratch) const override {
    winograd::forward(geometry_, {.x = x, .output = output, .tiles = units, .filters = filters},
                      HalfFilters(geometry_, packed), static_cast<float*>(scratch));
  }
};

class WinogradGradient final : public BlockWeightGradient {
 public:
  explicit WinogradGradient(const Geometry& geometry) : geometry_(geometry) {}

  size_t scratch_bytes() const override {
    return sizeof(float) * winograd::scratch_floats(geometry_);
  }
  int64_t gradient_elements() const override {
    return static_cast<int64_t>(winograd::filter_floats(geometry_));
  }
  int64_t unpacking_slices() const override { return geometry_.out_blocks; }
  void unpack(int, int64_t slice, const float* gradient, float* plain) const override {
    winograd::finish_filter_gradient(geometry_, static_cast<int>(slice), gradient, plain);
  }

  void run(int, int64_t images, const void* x, const void* dy, float* gradient, bool accumulate,
           void* scratch) const override {
    if (!accumulate) std::memset(gradient, 0, sizeof(float) * winograd::filter_floats(geometry_));
    winograd::accumulate_filter_gradient(
        geometry_, static_cast<int>(images), static_cast<const float*>(x),
        static_cast<const float*>(dy), gradient, static_cast<float*>(scratch));
  }

 private:
  Geometry geometry_;
};

class CollectedWinogradGradient final : public CollectedWeightGradient {
 public:
  explicit CollectedWinogradGradient(const ConvolutionShape& shape)
      : geometry_(forward_geometry(shape)),
        images_(static_cast<int>(shape.images)),
        collected_bytes_(collected_bytes_of(shape)) {}

  size_t scratch_bytes() const override {
    return sizeof(float) * winograd::filter_floats(geometry_) /
           static_cast<size_t>(geometry_.out_blocks);
  }
  size_t collected_bytes() const override { return collected_bytes_; }
  void collect(int64_t first, int64_t images, const void* x, const void* dy,
               float* collected) const override {
    winograd::collect(geometry_, static_cast<int>(images), static_cast<int>(first), images_,
                      static_cast<const float*>(x), static_cast<const float*>(dy), collected);
  }
  int64_t slices() const override { return geometry_.out_blocks; }
  void make_slice(int64_t slice, const float* collected, float* plain,
                  void* scratch) const override {
    winograd::collected_gradient(geometry_, images_, static_cast<int>(slice), collected, plain,
                                 static_cast<float*>(scratch));
  }

 private:
  Geometry geometry_;
  int images_;
  size_t collected_bytes_;
};

void expect_winograd(const ConvolutionShape& shape) {
  if (shape.kernel_height != 3 || shape.kernel_width != 3 || shape.stride != 1 ||
      shape.padding != 1) {
    throw Error("ERR_UNSUPPORTED", "winograd: expected kernel 3, stride 1 and padding 1");
  }
}

}  // namespace

BlockTerms winograd_terms(const ConvolutionShape& shape, int threads) {
  expect_winograd(shape);
  const int64_t granule = choose_granule(shape);
  return {
      .bf16_operands = false, .granule = granule, .block = choose_block(shape, granule, threads)};
}

std::unique_ptr<PartConvolution> make_winograd_parts(const ConvolutionShape& shape,
                                                     bool half_filters) {
  expect_winograd(shape);
  if (half_filters) return std::make_unique<HalfWinogradParts>(forward_geometry(shape));
  return std::make_unique<WinogradParts>(forward_geometry(shape));
}

std::unique_ptr<BlockConvolution> make_winograd_convolution(const ConvolutionShape& shape,
                                                            WinogradSide side) {
  const bool adjoint = side == WinogradSide::input;
  return std::make_unique<WinogradConvolution>(
      adjoint ? adjoint_geometry(shape) : forward_geometry(shape), adjoint);
}

size_t winograd_bytes(const ConvolutionShape& shape) {
  return sizeof(float) * winograd::filter_floats(forward_geometry(shape));
}

bool winograd_collects(const ConvolutionShape& shape) {
  constexpr size_t kMostBytes = size_t{64} << 20;
  return winograd::large_filters(forward_geometry(shape)) &&
         collected_bytes_of(shape) <= kMostBytes;
}

std::unique_ptr<CollectedWeightGradient> make_collected_winograd_gradient(
    const ConvolutionShape& shape) {
  return std::make_unique<CollectedWinogradGradient>(shape);
}

std::unique_ptr<BlockWeightGradient> make_winograd_gradient(const ConvolutionShape& shape) {
  return std::make_unique<WinogradGradient>(forward_geometry(shape));
}

}  // namespace preresnet::cpu
