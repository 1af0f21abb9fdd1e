// Tiles of images: where they lie, how many are transformed together, and the transform of the
// input. Compiled once per instruction set, by whoever includes it after hwy/foreach_target.h.
#if defined(PRERESNET_CPU_WINOGRAD_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PRERESNET_CPU_WINOGRAD_TILES_INL_H_
#undef PRERESNET_CPU_WINOGRAD_TILES_INL_H_
#else
#define PRERESNET_CPU_WINOGRAD_TILES_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "cpu/winograd.h"
#include "cpu/winograd_points-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::winograd::HWY_NAMESPACE {

/// Tiles whose accumulators fit the registers beside what feeds them.
constexpr int kTiles = kParts == 1 ? 16 : kParts == 2 ? 4 : 4;

/// Tiles are counted over all images of a call: tile -> image and position.
struct Tiling {
  int columns, per_image, total;
  Tiling(const Geometry& g, int images)
      : columns((g.width + 3) / 4),
        per_image(static_cast<int>(tiles_of(g))),
        total(per_image * images) {}
};

/// Tiles transformed together: what keeps their transforms in L2; or, where the filters themselves
/// are larger than that, enough for each filter that is read to serve several times.
HWY_INLINE int group_size(const Geometry& g) {
  if (large_filters(g)) return 32;
  const int blocks = std::max(g.in_blocks, g.out_blocks);
  return blocks <= 1 ? 64 : blocks <= 2 ? 32 : 16;
}

/// Distance of two of the 36 positions; the extra block keeps them apart in the sets of a cache.
HWY_INLINE size_t position_stride(int blocks, int group) {
  return (static_cast<size_t>(blocks) * group + 1) * 16;
}

/// Where `count` transformed tiles go: out[36][blocks][pitch][16].
struct TileBuffer {
  int count, pitch;
  float* out;
};

/// Images of f32 in blocks of 16 channels, as they are.
struct PlainImages {
  const float* x;

  struct Block {
    const float* x;
    HWY_INLINE V operator()(ptrdiff_t at, int part) const {
      return hn::LoadU(D(), x + at * 16 + part);
    }
  };
  HWY_INLINE Block of(int image, int block, int blocks, ptrdiff_t pixels) const {
    return {x + (static_cast<ptrdiff_t>(image) * blocks + block) * pixels * 16};
  }
};

/// B^T d B of the tiles from `first` on; tiles past the end are zero.
template <class Images>
HWY_NOINLINE void transform_input(const Geometry& g, const Tiling& tiling, int blocks, int first,
                                  const Images& images, const TileBuffer& buffer) {
  const D d;
  const size_t stride = position_stride(blocks, buffer.pitch);
  const ptrdiff_t pixels = static_cast<ptrdiff_t>(g.height) * g.width;
  const V zero = hn::Zero(d);
  for (int block = 0; block < blocks; ++block) {
    for (int t = 0; t < buffer.count; ++t) {
      float* to = buffer.out + (static_cast<size_t>(block) * buffer.pitch + t) * 16;
      const int tile = first + t;
      if (tile >= tiling.total) {
        for (int p = 0; p < 36; ++p) {
          for (int part = 0; part < 16; part += kLanes) hn::Store(zero, d, to + p * stride + part);
        }
        continue;
      }
      const int image = tile / tiling.per_image, in_image = tile % tiling.per_image;
      const int top = in_image / tiling.columns * 4 - 1, left = in_image % tiling.columns * 4 - 1;
      const auto read = images.of(image, block, blocks, pixels);
      const bool inside = top >= 0 && left >= 0 && top + 6 <= g.height && left + 6 <= g.width;
      for (int part = 0; part < 16; part += kLanes) {
        V s[6][6];
        for (int i = 0; i < 6; ++i) {
          const ptrdiff_t at = static_cast<ptrdiff_t>(top + i) * g.width + left;
          if (inside) {
            input_row(read(at, part), read(at + 1, part), read(at + 2, part), read(at + 3, part),
                      read(at + 4, part), read(at + 5, part), s[i]);
          } else if (top + i < 0 || top + i >= g.height) {
            for (int j = 0; j < 6; ++j) s[i][j] = zero;
          } else {
            V pixel[6];
            for (int j = 0; j < 6; ++j)
              pixel[j] = left + j < 0 || left + j >= g.width ? zero : read(at + j, part);
            input_row(pixel[0], pixel[1], pixel[2], pixel[3], pixel[4], pixel[5], s[i]);
          }
        }
        for (int j = 0; j < 6; ++j) {
          V column[6];
          input_row(s[0][j], s[1][j], s[2][j], s[3][j], s[4][j], s[5][j], column);
          for (int i = 0; i < 6; ++i) hn::Store(column[i], d, to + (i * 6 + j) * stride + part);
        }
      }
    }
  }
}

}  // namespace preresnet::cpu::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
