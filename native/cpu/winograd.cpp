#include "cpu/winograd.h"

#include <algorithm>

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/winograd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::winograd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr int kLanes = HWY_MIN(16, HWY_MAX_BYTES / 4);
/// Vectors that make up one block of 16 channels.
constexpr int kParts = 16 / kLanes;
/// Tiles whose accumulators fit the registers beside what feeds them.
constexpr int kTiles = kParts == 1 ? 16 : kParts == 2 ? 4 : 4;

// Interpolation points 0, +-kA, +-kB and infinity. Lavin and Gray take 1 and 2; these, exact in
// binary, keep the powers that the transforms multiply with nearer to each other, which leaves a
// third of the rounding error.
constexpr float kA = 0.625f, kB = 1.5f;
constexpr float kA2 = kA * kA, kB2 = kB * kB;
constexpr float kNormA = static_cast<float>(1 / (2.0 * kA2 * (kA2 - kB2)));
constexpr float kNormB = static_cast<float>(1 / (2.0 * kB2 * (kB2 - kA2)));
constexpr float kNorm0 = static_cast<float>(1 / (1.0 * kA2 * kB2));

// B^T d
HWY_INLINE void input_row(V d0, V d1, V d2, V d3, V d4, V d5, V* out) {
  const D d;
  const V a2 = hn::Set(d, kA2), b2 = hn::Set(d, kB2), product = hn::Set(d, kA2 * kB2);
  const V sum = hn::Set(d, kA2 + kB2);
  const V ta = hn::NegMulAdd(b2, d2, d4), ua = hn::Mul(hn::Set(d, kA), hn::NegMulAdd(b2, d1, d3));
  const V tb = hn::NegMulAdd(a2, d2, d4), ub = hn::Mul(hn::Set(d, kB), hn::NegMulAdd(a2, d1, d3));
  out[0] = hn::MulAdd(product, d0, hn::NegMulAdd(sum, d2, d4));
  out[1] = hn::Add(ta, ua);
  out[2] = hn::Sub(ta, ua);
  out[3] = hn::Add(tb, ub);
  out[4] = hn::Sub(tb, ub);
  out[5] = hn::MulAdd(product, d1, hn::NegMulAdd(sum, d3, d5));
}

// A^T m
HWY_INLINE void output_row(V m0, V m1, V m2, V m3, V m4, V m5, V* out) {
  const D d;
  const V a = hn::Add(m1, m2), b = hn::Sub(m1, m2), c = hn::Add(m3, m4), e = hn::Sub(m3, m4);
  out[0] = hn::Add(hn::Add(m0, a), c);
  out[1] = hn::MulAdd(hn::Set(d, kB), e, hn::Mul(hn::Set(d, kA), b));
  out[2] = hn::MulAdd(hn::Set(d, kB2), c, hn::Mul(hn::Set(d, kA2), a));
  out[3] = hn::MulAdd(hn::Set(d, kB2 * kB), e, hn::MulAdd(hn::Set(d, kA2 * kA), b, m5));
}

// A d: the adjoint of output_row
HWY_INLINE void gradient_row(V d0, V d1, V d2, V d3, V* out) {
  const D d;
  const V ta = hn::MulAdd(hn::Set(d, kA2), d2, d0);
  const V ua = hn::Mul(hn::Set(d, kA), hn::MulAdd(hn::Set(d, kA2), d3, d1));
  const V tb = hn::MulAdd(hn::Set(d, kB2), d2, d0);
  const V ub = hn::Mul(hn::Set(d, kB), hn::MulAdd(hn::Set(d, kB2), d3, d1));
  out[0] = d0;
  out[1] = hn::Add(ta, ua);
  out[2] = hn::Sub(ta, ua);
  out[3] = hn::Add(tb, ub);
  out[4] = hn::Sub(tb, ub);
  out[5] = d3;
}

// G g
HWY_INLINE void filter_row(V g0, V g1, V g2, V* out) {
  const D d;
  const V norm_a = hn::Set(d, kNormA), norm_b = hn::Set(d, kNormB);
  const V ta = hn::Mul(norm_a, hn::MulAdd(hn::Set(d, kA2), g2, g0));
  const V ua = hn::Mul(norm_a, hn::Mul(hn::Set(d, kA), g1));
  const V tb = hn::Mul(norm_b, hn::MulAdd(hn::Set(d, kB2), g2, g0));
  const V ub = hn::Mul(norm_b, hn::Mul(hn::Set(d, kB), g1));
  out[0] = hn::Mul(hn::Set(d, kNorm0), g0);
  out[1] = hn::Add(ta, ua);
  out[2] = hn::Sub(ta, ua);
  out[3] = hn::Add(tb, ub);
  out[4] = hn::Sub(tb, ub);
  out[5] = g2;
}

// G^T u: the adjoint of filter_row
HWY_INLINE void filter_gradient_row(V u0, V u1, V u2, V u3, V u4, V u5, V* out) {
  const D d;
  const V norm_a = hn::Set(d, kNormA), norm_b = hn::Set(d, kNormB);
  const V sa = hn::Mul(norm_a, hn::Add(u1, u2)), da = hn::Mul(norm_a, hn::Sub(u1, u2));
  const V sb = hn::Mul(norm_b, hn::Add(u3, u4)), db = hn::Mul(norm_b, hn::Sub(u3, u4));
  out[0] = hn::MulAdd(hn::Set(d, kNorm0), u0, hn::Add(sa, sb));
  out[1] = hn::MulAdd(hn::Set(d, kB), db, hn::Mul(hn::Set(d, kA), da));
  out[2] = hn::MulAdd(hn::Set(d, kB2), sb, hn::MulAdd(hn::Set(d, kA2), sa, u5));
}

/// Tiles are counted over all images of a call: tile -> image and place.
struct Tiling {
  int rows, columns, per_image, total;
  Tiling(const Geometry& g, int images)
      : rows((g.height + 3) / 4),
        columns((g.width + 3) / 4),
        per_image(rows * columns),
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
struct Place {
  int count, pitch;
  float* out;
};

/// B^T d B of the tiles from `first` on; tiles past the end are zero.
HWY_NOINLINE void transform_input(const Geometry& g, const Tiling& tiling, int blocks, int first,
                                  const float* x, const Place& place) {
  const D d;
  const size_t stride = position_stride(blocks, place.pitch),
               row = static_cast<size_t>(g.width) * 16, plane = row * g.height;
  const V zero = hn::Zero(d);
  for (int block = 0; block < blocks; ++block) {
    for (int t = 0; t < place.count; ++t) {
      float* to = place.out + (static_cast<size_t>(block) * place.pitch + t) * 16;
      const int tile = first + t;
      if (tile >= tiling.total) {
        for (int p = 0; p < 36; ++p) {
          for (int part = 0; part < 16; part += kLanes) hn::Store(zero, d, to + p * stride + part);
        }
        continue;
      }
      const int image = tile / tiling.per_image, in_image = tile % tiling.per_image;
      const int top = in_image / tiling.columns * 4 - 1, left = in_image % tiling.columns * 4 - 1;
      const float* from = x + (static_cast<size_t>(image) * blocks + block) * plane +
                          top * static_cast<ptrdiff_t>(row) + left * ptrdiff_t{16};
      const bool inside = top >= 0 && left >= 0 && top + 6 <= g.height && left + 6 <= g.width;
      for (int part = 0; part < 16; part += kLanes) {
        V s[6][6];
        for (int i = 0; i < 6; ++i) {
          const float* line = from + i * row + part;
          if (inside) {
            input_row(hn::LoadU(d, line), hn::LoadU(d, line + 16), hn::LoadU(d, line + 32),
                      hn::LoadU(d, line + 48), hn::LoadU(d, line + 64), hn::LoadU(d, line + 80),
                      s[i]);
          } else if (top + i < 0 || top + i >= g.height) {
            for (int j = 0; j < 6; ++j) s[i][j] = zero;
          } else {
            V pixel[6];
            for (int j = 0; j < 6; ++j)
              pixel[j] = left + j < 0 || left + j >= g.width ? zero : hn::LoadU(d, line + j * 16);
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

/// A d A^T of the output gradient's tiles.
HWY_NOINLINE void transform_gradient(const Geometry& g, const Tiling& tiling, int blocks, int first,
                                     const float* dy, const Place& place) {
  const D d;
  const size_t stride = position_stride(blocks, place.pitch),
               row = static_cast<size_t>(g.width) * 16, plane = row * g.height;
  const V zero = hn::Zero(d);
  for (int block = 0; block < blocks; ++block) {
    for (int t = 0; t < place.count; ++t) {
      float* to = place.out + (static_cast<size_t>(block) * place.pitch + t) * 16;
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

HWY_INLINE V finished(V value, V bias, const float* residual, ptrdiff_t at, bool relu) {
  const D d;
  value = hn::Add(value, bias);
  if (residual != nullptr) value = hn::Add(value, hn::LoadU(d, residual + at));
  const V none = hn::Zero(d);
  return relu ? hn::IfThenElse(hn::Lt(value, none), none, value) : value;
}

/// One tile of one output block: m[36] at `stride` to 4 x 4 pixels of y.
HWY_INLINE void transform_output(const Geometry& g, const Tiling& tiling, int block, int tile,
                                 const float* m, size_t stride, const Epilogue& epilogue,
                                 float* y) {
  const D d;
  const size_t row = static_cast<size_t>(g.width) * 16;
  const int image = tile / tiling.per_image, in_image = tile % tiling.per_image;
  const int top = in_image / tiling.columns * 4, left = in_image % tiling.columns * 4;
  const size_t place = (static_cast<size_t>(image) * g.out_blocks + block) * row * g.height +
                       top * row + static_cast<size_t>(left) * 16;
  float* to = y + place;
  const float* residual = epilogue.residual == nullptr ? nullptr : epilogue.residual + place;
  const int rows = std::min(4, g.height - top), columns = std::min(4, g.width - left);
  for (int part = 0; part < 16; part += kLanes) {
    const V bias =
        epilogue.bias == nullptr ? hn::Zero(d) : hn::LoadU(d, epilogue.bias + block * 16 + part);
    V s[6][4];
    for (int i = 0; i < 6; ++i) {
      const float* line = m + i * 6 * stride + part;
      output_row(hn::Load(d, line), hn::Load(d, line + stride), hn::Load(d, line + 2 * stride),
                 hn::Load(d, line + 3 * stride), hn::Load(d, line + 4 * stride),
                 hn::Load(d, line + 5 * stride), s[i]);
    }
    for (int j = 0; j < columns; ++j) {
      V column[4];
      output_row(s[0][j], s[1][j], s[2][j], s[3][j], s[4][j], s[5][j], column);
      for (int i = 0; i < rows; ++i) {
        const auto at = static_cast<ptrdiff_t>(i * row + j * 16 + part);
        hn::StoreU(finished(column[i], bias, residual, at, epilogue.relu), d, to + at);
      }
    }
  }
}

/// m[kTilesNow][16] = sum over channels c of v[c][tile] * u[c][16]; v is [blocks][group][16].
template <int kTilesNow>
HWY_INLINE void multiply(int blocks, int group, const float* HWY_RESTRICT v,
                         const float* HWY_RESTRICT u, float* HWY_RESTRICT m) {
  const D d;
  V sum[kTilesNow][kParts];
  for (int t = 0; t < kTilesNow; ++t) {
    for (int part = 0; part < kParts; ++part) sum[t][part] = hn::Zero(d);
  }
  for (int block = 0; block < blocks; ++block) {
    const float* column = v + static_cast<size_t>(block) * group * 16;
    const float* weights = u + static_cast<size_t>(block) * 256;
    for (int c = 0; c < 16; ++c) {
      V w[kParts];
      for (int part = 0; part < kParts; ++part)
        w[part] = hn::Load(d, weights + c * 16 + part * kLanes);
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
HWY_INLINE void multiply_tiles(int tiles, int blocks, int group, const float* v, const float* u,
                               float* m) {
  int t = 0;
  for (; t + kTiles <= tiles; t += kTiles)
    multiply<kTiles>(blocks, group, v + t * 16, u, m + t * 16);
  for (; t < tiles; t += 4) multiply<4>(blocks, group, v + t * 16, u, m + t * 16);
}

/// Few channels: products of 8 tiles stay in L1 between multiplication and output transform.
constexpr int kSmall = 8;
HWY_INLINE bool few_channels(const Geometry& g) { return g.in_blocks * g.out_blocks <= 16; }

void Forward(const Geometry& g, int images, const float* x, const float* filter,
             const Epilogue& epilogue, float* y, float* scratch) {
  const Tiling tiling(g, images);
  const int group = group_size(g);
  const size_t in_stride = position_stride(g.in_blocks, group),
               out_stride = position_stride(g.out_blocks, group);
  const size_t bank =
      static_cast<size_t>(g.in_blocks) * 256;  // filters of one position and output block
  float* v = scratch;
  float* m = scratch + 36 * in_stride;
  for (int first = 0; first < tiling.total; first += group) {
    const int tiles = std::min(group, tiling.total - first);
    transform_input(g, tiling, g.in_blocks, first, x, {group, group, v});
    if (few_channels(g)) {
      constexpr size_t kStride = kSmall * 16 + 16;
      for (int block = 0; block < g.out_blocks; ++block) {
        for (int t0 = 0; t0 < tiles; t0 += kSmall) {
          for (int p = 0; p < 36; ++p) {
            const float* u = filter + (static_cast<size_t>(p) * g.out_blocks + block) * bank;
            if constexpr (kTiles >= kSmall) {
              multiply<kSmall>(g.in_blocks, group, v + p * in_stride + t0 * 16, u, m + p * kStride);
            } else {
              multiply_tiles(kSmall, g.in_blocks, group, v + p * in_stride + t0 * 16, u,
                             m + p * kStride);
            }
          }
          for (int t = 0; t < std::min(kSmall, tiles - t0); ++t)
            transform_output(g, tiling, block, first + t0 + t, m + t * 16, kStride, epilogue, y);
        }
      }
    } else {
      for (int p = 0; p < 36; ++p) {
        for (int block = 0; block < g.out_blocks; ++block) {
          const float* u = filter + (static_cast<size_t>(p) * g.out_blocks + block) * bank;
          multiply_tiles(tiles, g.in_blocks, group, v + p * in_stride, u,
                         m + p * out_stride + static_cast<size_t>(block) * group * 16);
        }
      }
      for (int block = 0; block < g.out_blocks; ++block) {
        for (int t = 0; t < tiles; ++t) {
          transform_output(g, tiling, block, first + t,
                           m + (static_cast<size_t>(block) * group + t) * 16, out_stride, epilogue,
                           y);
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
    transform_input(g, tiling, g.in_blocks, first, x, {group, group, v});
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

void TransformFilter(const Geometry& g, int block, bool adjoint, const float* w, float* filter) {
  const D d;
  const size_t position = static_cast<size_t>(g.out_blocks) * g.in_blocks * 256;
  // w is [out][in] of the forward convolution: for the adjoint the pass's own out and in exchanged.
  const size_t out_step = adjoint ? 9 : static_cast<size_t>(g.in_blocks) * 16 * 9;
  const size_t in_step = adjoint ? static_cast<size_t>(g.out_blocks) * 16 * 9 : 9;
  HWY_ALIGN float taps[9][16];
  for (int in = 0; in < g.in_blocks * 16; ++in) {
    for (int lane = 0; lane < 16; ++lane) {
      const float* from = w + (static_cast<size_t>(block) * 16 + lane) * out_step + in * in_step;
      for (int tap = 0; tap < 9; ++tap) taps[tap][lane] = from[adjoint ? 8 - tap : tap];
    }
    float* to = filter + (static_cast<size_t>(block) * g.in_blocks * 16 + in) * 16;
    for (int part = 0; part < 16; part += kLanes) {
      V s[6][3];
      for (int j = 0; j < 3; ++j) {
        V column[6];
        filter_row(hn::Load(d, taps[j] + part), hn::Load(d, taps[3 + j] + part),
                   hn::Load(d, taps[6 + j] + part), column);
        for (int i = 0; i < 6; ++i) s[i][j] = column[i];
      }
      for (int i = 0; i < 6; ++i) {
        V row[6];
        filter_row(s[i][0], s[i][1], s[i][2], row);
        for (int j = 0; j < 6; ++j) hn::Store(row[j], d, to + (i * 6 + j) * position + part);
      }
    }
  }
}

void FinishFilterGradient(const Geometry& g, int block, const float* gradient, float* dw) {
  const D d;
  const size_t position = static_cast<size_t>(g.out_blocks) * g.in_blocks * 256;
  const int in_channels = g.in_blocks * 16;
  HWY_ALIGN float taps[9][16];
  for (int in = 0; in < in_channels; ++in) {
    const float* from = gradient + (static_cast<size_t>(block) * in_channels + in) * 16;
    for (int part = 0; part < 16; part += kLanes) {
      V s[3][6];
      for (int j = 0; j < 6; ++j) {
        V u[6];
        for (int i = 0; i < 6; ++i) u[i] = hn::Load(d, from + (i * 6 + j) * position + part);
        V column[3];
        filter_gradient_row(u[0], u[1], u[2], u[3], u[4], u[5], column);
        for (int i = 0; i < 3; ++i) s[i][j] = column[i];
      }
      for (int i = 0; i < 3; ++i) {
        V row[3];
        filter_gradient_row(s[i][0], s[i][1], s[i][2], s[i][3], s[i][4], s[i][5], row);
        for (int j = 0; j < 3; ++j) hn::Store(row[j], d, taps[i * 3 + j] + part);
      }
    }
    for (int lane = 0; lane < 16; ++lane) {
      float* to = dw + ((static_cast<size_t>(block) * 16 + lane) * in_channels + in) * 9;
      for (int tap = 0; tap < 9; ++tap) to[tap] = taps[tap][lane];
    }
  }
}

void Collect(const Geometry& g, int images, int first, int total, const float* x, const float* dy,
             float* collected) {
  const Tiling here(g, images), all(g, total);
  float* v = collected + static_cast<size_t>(first) * all.per_image * 16;
  float* z = v + 36 * position_stride(g.in_blocks, all.total);
  transform_input(g, here, g.in_blocks, 0, x, {here.total, all.total, v});
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
  FinishFilterGradient(one, 0, scratch,
                       dw + static_cast<size_t>(block) * 16 * g.in_blocks * 16 * 9);
}

size_t CollectedFloats(const Geometry& g, int total) {
  const Tiling all(g, total);
  return 36 * (position_stride(g.in_blocks, all.total) + position_stride(g.out_blocks, all.total));
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
HWY_EXPORT(AccumulateFilterGradient);
HWY_EXPORT(TransformFilter);
HWY_EXPORT(FinishFilterGradient);
HWY_EXPORT(Collect);
HWY_EXPORT(CollectedGradient);
HWY_EXPORT(CollectedFloats);
HWY_EXPORT(ScratchFloats);

size_t scratch_floats(const Geometry& g) { return HWY_DYNAMIC_DISPATCH(ScratchFloats)(g); }
void forward(const Geometry& g, int images, const float* x, const float* filter,
             const Epilogue& epilogue, float* y, float* scratch) {
  HWY_DYNAMIC_DISPATCH(Forward)(g, images, x, filter, epilogue, y, scratch);
}
void accumulate_filter_gradient(const Geometry& g, int images, const float* x, const float* dy,
                                float* gradient, float* scratch) {
  HWY_DYNAMIC_DISPATCH(AccumulateFilterGradient)(g, images, x, dy, gradient, scratch);
}
size_t collected_floats(const Geometry& g, int total) {
  return HWY_DYNAMIC_DISPATCH(CollectedFloats)(g, total);
}
void collect(const Geometry& g, int images, int first, int total, const float* x, const float* dy,
             float* collected) {
  HWY_DYNAMIC_DISPATCH(Collect)(g, images, first, total, x, dy, collected);
}
void collected_gradient(const Geometry& g, int total, int block, const float* collected, float* dw,
                        float* scratch) {
  HWY_DYNAMIC_DISPATCH(CollectedGradient)(g, total, block, collected, dw, scratch);
}
void transform_filter(const Geometry& g, int block, bool adjoint, const float* w, float* filter) {
  HWY_DYNAMIC_DISPATCH(TransformFilter)(g, block, adjoint, w, filter);
}
void finish_filter_gradient(const Geometry& g, int block, const float* gradient, float* dw) {
  HWY_DYNAMIC_DISPATCH(FinishFilterGradient)(g, block, gradient, dw);
}

}  // namespace preresnet::cpu::winograd
#endif
