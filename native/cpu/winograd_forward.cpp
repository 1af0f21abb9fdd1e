#include <algorithm>

#include "cpu/passes/targets.h"
#include "cpu/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/winograd_forward.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/winograd_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::winograd::HWY_NAMESPACE {

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
  const size_t offset = (static_cast<size_t>(image) * g.out_blocks + block) * row * g.height +
                        top * row + static_cast<size_t>(left) * 16;
  float* to = y + offset;
  const float* residual = epilogue.residual == nullptr ? nullptr : epilogue.residual + offset;
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
HWY_EXPORT(ScratchFloats);

void forward(const Geometry& g, int images, const float* x, const float* filter,
             const Epilogue& epilogue, float* y, float* scratch) {
  HWY_DYNAMIC_DISPATCH(Forward)(g, images, x, filter, epilogue, y, scratch);
}
size_t scratch_floats(const Geometry& g) { return HWY_DYNAMIC_DISPATCH(ScratchFloats)(g); }

}  // namespace preresnet::cpu::winograd
#endif
