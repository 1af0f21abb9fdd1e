#include <algorithm>

#include "cpu/passes/targets.h"
#include "cpu/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/winograd_gradient.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/winograd_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::winograd::HWY_NAMESPACE {

/// A d A^T of the output gradient's tiles.
HWY_NOINLINE void transform_gradient(const Geometry& g, const Tiling& tiling, int blocks, int first,
                                     const float* dy, const TileBuffer& buffer) {
  const D d;
  const size_t stride = position_stride(blocks, buffer.pitch),
               row = static_cast<size_t>(g.width) * 16, plane = row * g.height;
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
      const int top = in_image / tiling.columns * 4, left = in_image % tiling.columns * 4;
      const float* from = dy + (static_cast<size_t>(image) * blocks + block) * plane + top * row +
                          static_cast<size_t>(left) * 16;
      const int rows = std::min(4, g.height - top), columns = std::min(4, g.width - left);
      for (int part = 0; part < 16; part += kLanes) {
        V s[4][6];
        for (int i = 0; i < 4; ++i) {
          const float* line = from + i * row + part;
          V pixel[4];
          for (int j = 0; j < 4; ++j)
            pixel[j] = i < rows && j < columns ? hn::LoadU(d, line + j * 16) : zero;
          gradient_row(pixel[0], pixel[1], pixel[2], pixel[3], s[i]);
        }
        for (int j = 0; j < 6; ++j) {
          V column[6];
          gradient_row(s[0][j], s[1][j], s[2][j], s[3][j], column);
          for (int i = 0; i < 6; ++i) hn::Store(column[i], d, to + (i * 6 + j) * stride + part);
        }
      }
    }
  }
}

/// u[16 in channels][16 out channels] += sum over tiles of v[tile][in] * z[tile][out], `kRows` in
/// channels at a time.
template <int kRows>
HWY_INLINE void outer_products(int tiles, const float* HWY_RESTRICT v, const float* HWY_RESTRICT z,
                               float* HWY_RESTRICT u) {
  const D d;
  for (int c0 = 0; c0 < 16; c0 += kRows) {
    V sum[kRows][kParts];
    for (int i = 0; i < kRows; ++i) {
      for (int part = 0; part < kParts; ++part)
        sum[i][part] = hn::Load(d, u + (c0 + i) * 16 + part * kLanes);
    }
    for (int t = 0; t < tiles; ++t) {
      V w[kParts];
      for (int part = 0; part < kParts; ++part) w[part] = hn::Load(d, z + t * 16 + part * kLanes);
      HWY_UNROLL(16)
      for (int i = 0; i < kRows; ++i) {
        const V value = hn::Set(d, v[t * 16 + c0 + i]);
        for (int part = 0; part < kParts; ++part)
          sum[i][part] = hn::MulAdd(value, w[part], sum[i][part]);
      }
    }
    for (int i = 0; i < kRows; ++i) {
      for (int part = 0; part < kParts; ++part)
        hn::Store(sum[i][part], d, u + (c0 + i) * 16 + part * kLanes);
    }
  }
}

void AccumulateFilterGradient(const Geometry& g, int images, const float* x, const float* dy,
                              float* gradient, float* scratch) {
  const Tiling tiling(g, images);
  const int group = group_size(g);
  const size_t in_stride = position_stride(g.in_blocks, group),
               out_stride = position_stride(g.out_blocks, group);
  float* v = scratch;
  float* z = scratch + 36 * in_stride;
  for (int first = 0; first < tiling.total; first += group) {
    const int tiles = std::min(group, tiling.total - first);
    transform_input(g, tiling, g.in_blocks, first, PlainImages{x}, {group, group, v});
    transform_gradient(g, tiling, g.out_blocks, first, dy, {group, group, z});
    for (int p = 0; p < 36; ++p) {
      for (int out = 0; out < g.out_blocks; ++out) {
        for (int in = 0; in < g.in_blocks; ++in) {
          float* u =
              gradient + ((static_cast<size_t>(p) * g.out_blocks + out) * g.in_blocks + in) * 256;
          outer_products<kTiles>(tiles, v + p * in_stride + static_cast<size_t>(in) * group * 16,
                                 z + p * out_stride + static_cast<size_t>(out) * group * 16, u);
        }
      }
    }
  }
}

void Collect(const Geometry& g, int images, int first, int total, const float* x, const float* dy,
             float* collected) {
  const Tiling here(g, images), all(g, total);
  float* v = collected + static_cast<size_t>(first) * all.per_image * 16;
  float* z = v + 36 * position_stride(g.in_blocks, all.total);
  transform_input(g, here, g.in_blocks, 0, PlainImages{x}, {here.total, all.total, v});
  transform_gradient(g, here, g.out_blocks, 0, dy, {here.total, all.total, z});
}

void CollectedGradient(const Geometry& g, int total, int block, const float* collected, float* dw,
                       float* scratch) {
  const Tiling all(g, total);
  const size_t in_stride = position_stride(g.in_blocks, all.total),
               out_stride = position_stride(g.out_blocks, all.total),
               tiles = static_cast<size_t>(all.total) * 16;
  const float* z = collected + 36 * in_stride + block * tiles;
  const size_t position = static_cast<size_t>(g.in_blocks) * 256;
  std::fill_n(scratch, 36 * position, 0.0f);
  for (int p = 0; p < 36; ++p) {
    for (int in = 0; in < g.in_blocks; ++in) {
      outer_products<kTiles>(all.total, collected + p * in_stride + in * tiles, z + p * out_stride,
                             scratch + p * position + static_cast<size_t>(in) * 256);
    }
  }
  const Geometry one{g.in_blocks, 1, g.height, g.width};
  finish_filter_gradient(one, 0, scratch,
                         dw + static_cast<size_t>(block) * 16 * g.in_blocks * 16 * 9);
}

size_t CollectedFloats(const Geometry& g, int total) {
  const Tiling all(g, total);
  return 36 * (position_stride(g.in_blocks, all.total) + position_stride(g.out_blocks, all.total));
}

}  // namespace preresnet::cpu::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::winograd {

HWY_EXPORT(AccumulateFilterGradient);
HWY_EXPORT(Collect);
HWY_EXPORT(CollectedGradient);
HWY_EXPORT(CollectedFloats);

void accumulate_filter_gradient(const Geometry& g, int images, const float* x, const float* dy,
                                float* gradient, float* scratch) {
  HWY_DYNAMIC_DISPATCH(AccumulateFilterGradient)(g, images, x, dy, gradient, scratch);
}
void collect(const Geometry& g, int images, int first, int total, const float* x, const float* dy,
             float* collected) {
  HWY_DYNAMIC_DISPATCH(Collect)(g, images, first, total, x, dy, collected);
}
void collected_gradient(const Geometry& g, int total, int block, const float* collected, float* dw,
                        float* scratch) {
  HWY_DYNAMIC_DISPATCH(CollectedGradient)(g, total, block, collected, dw, scratch);
}
size_t collected_floats(const Geometry& g, int total) {
  return HWY_DYNAMIC_DISPATCH(CollectedFloats)(g, total);
}

}  // namespace preresnet::cpu::winograd
#endif
