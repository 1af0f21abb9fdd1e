// Winograd's minimal filtering F(4x4, 3x3) for convolutions of kernel 3, stride 1 and padding 1, in
// fp32, and from filters that may lie in fp16.
//
// A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015: an output tile of 4
// x 4 pixels costs 36 multiplications instead of 144. Images are [n][blocks of 16
// channels][h][w][16]; transformed filters are [36][out blocks][in channels][16]. The relative
// error against direct convolution is a few 1e-6. Convolution is in winograd_forward.cpp, its
// gradient with respect to the weights in winograd_gradient.cpp, the transforms of weights in
// winograd_filters.cpp.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cpu/partition.h"
#include "cpu/passes/output.h"
#include "cpu/passes/transform.h"

namespace preresnet::cpu::winograd {

/// Sizes of one convolution: channels in blocks of 16, padded.
struct Geometry {
  int in_blocks = 0;
  int out_blocks = 0;
  int height = 0;
  int width = 0;
};

/// Floats of a transformed filter bank.
inline size_t filter_floats(const Geometry& g) {
  return size_t{36} * g.out_blocks * 16 * g.in_blocks * 16;
}
/// Whether the filters are so many that they do not stay in the second-level cache.
inline bool large_filters(const Geometry& g) { return filter_floats(g) >= (1 << 19); }
/// Floats of scratch that one thread needs for forward or accumulate_filter_gradient.
size_t scratch_floats(const Geometry& g);

/// One output block of the transform of w [out][in][3][3], which is padded to whole blocks.
/// `adjoint` makes the filters of the backward pass with respect to the data: in and out exchanged,
/// taps turned by 180 degrees; `g` is then the geometry of that pass.
void transform_filter(const Geometry& g, int block, bool adjoint, const float* w, float* filter);

/// Transformed filters in fp16, for a forward pass whose time is that of reading them. Each filter
/// is multiplied by a power of two, so that its range is fp16's, and its results are multiplied by
/// the inverse; both are exact.
struct HalfFilters {
  static size_t bytes(const Geometry& g) {
    return sizeof(uint16_t) * filter_floats(g) + sizeof(float) * 16 * g.out_blocks;
  }
  HalfFilters(const Geometry& g, const void* packed)
      : values(static_cast<const uint16_t*>(packed)),
        inverse(reinterpret_cast<const float*>(values + filter_floats(g))) {}

  const uint16_t* values;  // [36][out blocks][in channels][16]
  const float* inverse;    // [out blocks][16]
};
/// transform_filter into HalfFilters of the forward pass.
void transform_filter_to_half(const Geometry& g, int block, const float* w, void* packed);

/// y = conv(x): y [images][out_blocks][h][w][16] is overwritten.
void forward(const Geometry& g, int images, const float* x, const float* filter, float* y,
             float* scratch);

/// Tiles of an image; those of several images are counted through.
inline int64_t tiles_of(const Geometry& g) {
  return int64_t{(g.height + 3) / 4} * ((g.width + 3) / 4);
}
/// From raw input to stored output, some tiles and filters. Each tile's sums are its own, so both
/// can be shared out in any way.
struct ImagesPass {
  passes::TransformPass x;    // of the first image, all its blocks; `out` is not used
  passes::OutputPass output;  // of the first image, all its filters; no `result`, no sums
  Range tiles;
  Range filters;  // in blocks of 16
};
void forward(const Geometry& g, const ImagesPass& pass, const float* filter, float* scratch);
void forward(const Geometry& g, const ImagesPass& pass, const HalfFilters& filter, float* scratch);

/// gradient [36][out_blocks][in channels][16] += the transformed products of x and dy, tile after
/// tile: how images are grouped into calls changes no bit.
void accumulate_filter_gradient(const Geometry& g, int images, const float* x, const float* dy,
                                float* gradient, float* scratch);

/// The same in two steps, for filters so many that their gradient should be written once: `collect`
/// transforms x and dy of `images` images, `first` and following of `total`, into
/// collected[collected_floats(g, total)]; `collected_gradient` then makes one output block of dw
/// [out][in][3][3], padded to whole blocks, with scratch of filter_floats(g) / out_blocks floats.
size_t collected_floats(const Geometry& g, int total);
void collect(const Geometry& g, int images, int first, int total, const float* x, const float* dy,
             float* collected);
void collected_gradient(const Geometry& g, int total, int block, const float* collected, float* dw,
                        float* scratch);

/// One output block of dw [out][in][3][3], padded to whole blocks, from the accumulated gradient.
void finish_filter_gradient(const Geometry& g, int block, const float* gradient, float* dw);

}  // namespace preresnet::cpu::winograd
