#include <algorithm>

#include "cpu/passes/targets.h"
#include "cpu/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/winograd_forward.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/kinds-inl.h"
#include "cpu/passes/output_at-inl.h"
#include "cpu/winograd_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::winograd::HWY_NAMESPACE {

namespace vectors = preresnet::cpu::passes::HWY_NAMESPACE;

/// Images as they are stored, through what is read of them: t(x).
struct TransformedImages {
  const passes::TransformPass& pass;

  struct Block {
    Source x;
    vectors::Transform t;

    HWY_INLINE V operator()(ptrdiff_t at, int part) const {
      return t(load(at * 16 + part), part / kLanes);
    }
    HWY_INLINE V load(ptrdiff_t at) const {
      if (x.bf16) return vectors::load_part(static_cast<const uint16_t*>(x.data) + at);
      return vectors::load_part(static_cast<const float*>(x.data) + at);
    }
  };

  HWY_INLINE Block of(int image, int block, int blocks, ptrdiff_t pixels) const {
    return {advance(pass.x, (int64_t{image} * blocks + block) * pixels * 16),
            vectors::transform_of(pass.scale, pass.bias, pass.relu, block * 16)};
  }
};

/// Pixels of y that a tile makes.
struct Target {
  int image, block, top, left, rows, columns;
};

/// Results as they are, in f32.
struct PlainResults {
  float* y;

  struct Tile {
    float* corner;
    ptrdiff_t row;

    HWY_INLINE void put(int i, int j, int part, V value) const {
      hn::StoreU(value, D(), corner + i * row + j * 16 + part);
    }
    HWY_INLINE void finish() const {}
  };
  HWY_INLINE Tile tile(const Geometry& g, const Target& to) const {
    const ptrdiff_t image = static_cast<ptrdiff_t>(to.image) * g.out_blocks + to.block;
    return {y + ((image * g.height + to.top) * g.width + to.left) * 16, ptrdiff_t{g.width} * 16};
  }
};

/// What is stored of them; of `scaled` filters, after multiplication by `inverse`.
template <vectors::Kind kind, bool scaled>
struct FinishedResults {
  const passes::OutputPass& pass;
  const float* inverse;

  struct Tile {
    vectors::OutputAt<kind> output;
    Target to;
    int64_t width, residual_width, subsample;
    const float* inverse;
    HWY_ALIGN float room[kParts == 1 ? 1 : 256];  // pixels whose sixteen are not yet together

    HWY_INLINE Tile(const FinishedResults& results, const Geometry& g, const Target& target)
        : output(results.pass, target.image, target.block),
          to(target),
          width(g.width),
          residual_width(results.pass.residual_width),
          subsample(results.pass.subsample),
          inverse(scaled ? results.inverse + target.block * 16 : nullptr) {}
    HWY_INLINE void put(int i, int j, int part, V value) {
      if constexpr (scaled) value = hn::Mul(value, hn::Load(D(), inverse + part));
      if constexpr (kParts > 1) {
        hn::StoreU(value, D(), room + (i * 4 + j) * 16 + part);
      } else {
        vectors::Sixteen all;
        all.part[0] = value;
        write(i, j, all);
      }
    }
    HWY_INLINE void finish() const {
      if constexpr (kParts > 1) {
        for (int i = 0; i < to.rows; ++i) {
          for (int j = 0; j < to.columns; ++j) write(i, j, vectors::load(room + (i * 4 + j) * 16));
        }
      }
    }
    HWY_INLINE void write(int i, int j, const vectors::Sixteen& value) const {
      const int64_t row = to.top + i, column = to.left + j;
      output(value, row * width + column, (row * residual_width + column) * subsample);
    }
  };
  HWY_INLINE Tile tile(const Geometry& g, const Target& to) const { return Tile(*this, g, to); }
};

/// One tile of one output block: m[36] at `stride` to 4 x 4 pixels.
template <class Results>
HWY_INLINE void transform_output(const Geometry& g, const Tiling& tiling, int block, int tile,
                                 const float* m, size_t stride, const Results& results) {
  const D d;
  const int in_image = tile % tiling.per_image;
  const int top = in_image / tiling.columns * 4, left = in_image % tiling.columns * 4;
  const Target to{tile / tiling.per_image,    block, top, left, std::min(4, g.height - top),
                  std::min(4, g.width - left)};
  auto pixels = results.tile(g, to);
  for (int part = 0; part < 16; part += kLanes) {
    V s[6][4];
    for (int i = 0; i < 6; ++i) {
      const float* line = m + i * 6 * stride + part;
      output_row(hn::Load(d, line), hn::Load(d, line + stride), hn::Load(d, line + 2 * stride),
                 hn::Load(d, line + 3 * stride), hn::Load(d, line + 4 * stride),
                 hn::Load(d, line + 5 * stride), s[i]);
    }
    for (int j = 0; j < to.columns; ++j) {
      V column[4];
      output_row(s[0][j], s[1][j], s[2][j], s[3][j], s[4][j], s[5][j], column);
      for (int i = 0; i < to.rows; ++i) pixels.put(i, j, part, column[i]);
    }
  }
  pixels.finish();
}

HWY_INLINE V load_filter(const float* u) { return hn::Load(D(), u); }
HWY_INLINE V load_filter(const uint16_t* u) {
  const hn::Rebind<hwy::float16_t, D> half;
  return hn::PromoteTo(D(), hn::Load(half, reinterpret_cast<const hwy::float16_t*>(u)));
}

/// m[kTilesNow][16] = sum over channels c of v[c][tile] * u[c][16]; v is [blocks][group][16].
template <int kTilesNow, class Filter>
HWY_INLINE void multiply(int blocks, int group, const float* HWY_RESTRICT v,
                         const Filter* HWY_RESTRICT u, float* HWY_RESTRICT m) {
  const D d;
  V sum[kTilesNow][kParts];
  for (int t = 0; t < kTilesNow; ++t) {
    for (int part = 0; part < kParts; ++part) sum[t][part] = hn::Zero(d);
  }
  for (int block = 0; block < blocks; ++block) {
    const float* column = v + static_cast<size_t>(block) * group * 16;
    const Filter* weights = u + static_cast<size_t>(block) * 256;
    for (int c = 0; c < 16; ++c) {
      V w[kParts];
      for (int part = 0; part < kParts; ++part)
        w[part] = load_filter(weights + c * 16 + part * kLanes);
      HWY_UNROLL(16)
      for (int t = 0; t < kTilesNow; ++t) {
        const V value = hn::Set(d, column[t * 16 + c]);
        for (int part = 0; part < kParts; ++part)
          sum[t][part] = hn::MulAdd(value, w[part], sum[t][part]);
      }
    }
  }
  for (int t = 0; t < kTilesNow; ++t) {
    for (int part = 0; part < kParts; ++part)
      hn::Store(sum[t][part], d, m + t * 16 + part * kLanes);
  }
}

/// `tiles` rounded up to whole fours.
template <class Filter>
HWY_INLINE void multiply_tiles(int tiles, int blocks, int group, const float* v, const Filter* u,
                               float* m) {
  int t = 0;
  for (; t + kTiles <= tiles; t += kTiles)
    multiply<kTiles>(blocks, group, v + t * 16, u, m + t * 16);
  for (; t < tiles; t += 4) multiply<4>(blocks, group, v + t * 16, u, m + t * 16);
}

/// Few channels: products of 8 tiles stay in L1 between multiplication and output transform.
constexpr int kSmall = 8;
template <class Filter>
HWY_INLINE void multiply_few(int tiles, int blocks, int group, const float* v, const Filter* u,
                             float* m) {
  if constexpr (kTiles >= kSmall) {
    if (tiles > 4) return multiply<kSmall>(blocks, group, v, u, m);
  }
  multiply_tiles(tiles, blocks, group, v, u, m);
}
HWY_INLINE bool few_channels(const Geometry& g) { return g.in_blocks * g.out_blocks <= 16; }

/// Some tiles and some output blocks.
struct Part {
  int first_tile, end_tile, first_block, end_block;
};

template <class Images, class Filter, class Results>
HWY_INLINE void forward_part(const Geometry& g, Tiling tiling, const Part& part,
                             const Images& images, const Filter* filter, const Results& results,
                             float* scratch) {
  tiling.total = part.end_tile;
  const int group = group_size(g);
  // Filters of one position and output block.
  const size_t bank = static_cast<size_t>(g.in_blocks) * 256;
  for (int first = part.first_tile; first < part.end_tile; first += group) {
    const int tiles = std::min(group, part.end_tile - first), pitch = (tiles + 3) / 4 * 4;
    const size_t in_stride = position_stride(g.in_blocks, pitch),
                 out_stride = position_stride(g.out_blocks, pitch);
    float* v = scratch;
    float* m = scratch + 36 * in_stride;
    transform_input(g, tiling, g.in_blocks, first, images, {pitch, pitch, v});
    if (few_channels(g)) {
      constexpr size_t kStride = kSmall * 16 + 16;
      for (int block = part.first_block; block < part.end_block; ++block) {
        for (int t0 = 0; t0 < tiles; t0 += kSmall) {
          const int now = std::min(kSmall, tiles - t0);
          for (int p = 0; p < 36; ++p) {
            const Filter* u = filter + (static_cast<size_t>(p) * g.out_blocks + block) * bank;
            multiply_few(now, g.in_blocks, pitch, v + p * in_stride + t0 * 16, u, m + p * kStride);
          }
          for (int t = 0; t < now; ++t)
            transform_output(g, tiling, block, first + t0 + t, m + t * 16, kStride, results);
        }
      }
    } else {
      for (int p = 0; p < 36; ++p) {
        for (int block = part.first_block; block < part.end_block; ++block) {
          const Filter* u = filter + (static_cast<size_t>(p) * g.out_blocks + block) * bank;
          multiply_tiles(tiles, g.in_blocks, pitch, v + p * in_stride, u,
                         m + p * out_stride + static_cast<size_t>(block) * pitch * 16);
        }
      }
      for (int block = part.first_block; block < part.end_block; ++block) {
        for (int t = 0; t < tiles; ++t) {
          transform_output(g, tiling, block, first + t,
                           m + (static_cast<size_t>(block) * pitch + t) * 16, out_stride, results);
        }
      }
    }
  }
}

void Forward(const Geometry& g, int images, const float* x, const float* filter, float* y,
             float* scratch) {
  const Tiling tiling(g, images);
  forward_part(g, tiling, {0, tiling.total, 0, g.out_blocks}, PlainImages{x}, filter,
               PlainResults{y}, scratch);
}

template <bool scaled, class Filter>
HWY_INLINE void forward_images(const Geometry& g, const ImagesPass& pass, const Filter* filter,
                               const float* inverse, float* scratch) {
  const Part part{static_cast<int>(pass.tiles.begin), static_cast<int>(pass.tiles.end),
                  static_cast<int>(pass.filters.begin), static_cast<int>(pass.filters.end)};
  const auto run = [&](auto kind) {
    forward_part(g, Tiling(g, 1), part, TransformedImages{pass.x}, filter,
                 FinishedResults<kind(), scaled>{pass.output, inverse}, scratch);
  };
  vectors::with_kind(run, pass.output.residual, pass.output.y);
}

void ForwardImages(const Geometry& g, const ImagesPass& pass, const float* filter, float* scratch) {
  forward_images<false>(g, pass, filter, nullptr, scratch);
}

void ForwardImagesOfHalf(const Geometry& g, const ImagesPass& pass, const HalfFilters& filter,
                         float* scratch) {
  forward_images<true>(g, pass, filter.values, filter.inverse, scratch);
}

size_t ScratchFloats(const Geometry& g) {
  const int group = group_size(g);
  return 36 * (position_stride(g.in_blocks, group) +
               std::max<size_t>(position_stride(g.out_blocks, group), kSmall * 16 + 16));
}

}  // namespace preresnet::cpu::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::winograd {

HWY_EXPORT(Forward);
HWY_EXPORT(ForwardImages);
HWY_EXPORT(ForwardImagesOfHalf);
HWY_EXPORT(ScratchFloats);

void forward(const Geometry& g, int images, const float* x, const float* filter, float* y,
             float* scratch) {
  HWY_DYNAMIC_DISPATCH(Forward)(g, images, x, filter, y, scratch);
}
void forward(const Geometry& g, const ImagesPass& pass, const float* filter, float* scratch) {
  HWY_DYNAMIC_DISPATCH(ForwardImages)(g, pass, filter, scratch);
}
void forward(const Geometry& g, const ImagesPass& pass, const HalfFilters& filter, float* scratch) {
  HWY_DYNAMIC_DISPATCH(ForwardImagesOfHalf)(g, pass, filter, scratch);
}
size_t scratch_floats(const Geometry& g) { return HWY_DYNAMIC_DISPATCH(ScratchFloats)(g); }

}  // namespace preresnet::cpu::winograd
#endif
