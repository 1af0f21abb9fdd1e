#include "cpu/passes/direct.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/direct.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/bf16_products-inl.h"
#include "cpu/passes/kinds-inl.h"
#include "cpu/passes/output_at-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

/// Pixels whose accumulators fit the registers beside what feeds them.
constexpr int kPixels = kParts == 1 ? 16 : kParts == 2 ? 6 : 4;

/// Pixels of which the operand is gathered at a time: so many that weights which are read serve
/// several tiles, so few that the operand stays in the second-level cache.
HWY_INLINE int64_t group_of(const DirectDepth& depth) {
  constexpr int64_t kBytes = 128 << 10, kMost = 64, kFewest = 16;
  const int64_t pixel = depth.steps * depth.pitch() * (depth.bf16 ? 2 : 4);
  return std::clamp<int64_t>(kBytes / pixel, kFewest, kMost);
}

/// What is multiplied: step s of pixel i is at data[s * step + i * pitch].
template <class T>
struct Gathered {
  const T* data;
  int64_t step;
};

/// t(x) of some pixels, as the window sees it; zeros around the image are zeros after t.
template <class T, int kPitch, Kind kind>
HWY_NOINLINE Gathered<T> gather(const DirectPass& pass, int64_t first, int64_t count) {
  const DirectWindow& window = pass.window;
  const int64_t x_pixels = pass.x.pixels, out_width = pass.output.width;
  const int64_t image = pass.image * pass.x.blocks * x_pixels;
  T* const data = reinterpret_cast<T*>(pass.scratch);
  const int64_t step = (count + 1) * kPitch;  // not a power of two, for the sets of a cache
  T* row = data;
  if (window.one_pixel()) {
    for (int64_t block = 0; block < pass.x.blocks; ++block, row += step) {
      const Transform t = transform_of(pass.x.scale, pass.x.bias, pass.x.relu, block * 16);
      const int64_t begin = (image + block * x_pixels + first) * 16;
      for (int64_t i = 0; i < count; ++i) {
        store(t(read<kind>(pass.x.x, begin + i * 16)), row + i * kPitch);
      }
    }
    return {data, step};
  }
  int64_t top[64], left[64], at[64];
  for (int64_t i = 0, row = first / out_width, column = first % out_width; i < count; ++i) {
    top[i] = row * window.stride - window.padding;
    left[i] = column * window.stride - window.padding;
    if (++column == out_width) column = 0, ++row;
  }
  for (int64_t tap = 0; tap < window.taps(); ++tap) {
    const int64_t down = tap / window.kernel_width, right = tap % window.kernel_width;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t y = top[i] + down, x = left[i] + right;
      const bool inside = y >= 0 && y < window.height && x >= 0 && x < window.width;
      at[i] = inside ? (image + y * window.width + x) * 16 : -1;
    }
    for (int64_t block = 0; block < pass.x.blocks; ++block, row += step) {
      const Transform t = transform_of(pass.x.scale, pass.x.bias, pass.x.relu, block * 16);
      const int64_t begin = block * x_pixels * 16;
      // Of four channels each pixel overwrites what the one before wrote beyond them.
      for (int64_t i = 0; i < count; ++i) {
        const Sixteen value = at[i] < 0 ? zero() : t(read<kind>(pass.x.x, begin + at[i]));
        store(value, row + i * kPitch);
      }
    }
  }
  return {data, step};
}

/// x itself, where that is what is multiplied.
template <class T, int kPitch, Kind kind>
HWY_INLINE Gathered<T> operand_of(const DirectPass& pass, int64_t first, int64_t count) {
  const TransformPass& x = pass.x;
  const bool plain = x.scale == nullptr && x.bias == nullptr && !x.relu;
  if (kPitch == 16 && plain && pass.window.one_pixel() && x.x.bf16 == (sizeof(T) == 2)) {
    const int64_t begin = pass.image * x.blocks * x.pixels + first;
    return {static_cast<const T*>(x.x.data) + begin * 16, x.pixels * 16};
  }
  return gather<T, kPitch, kind>(pass, first, count);
}

/// Into memory: result[pixel][16].
template <class T, int kPitch, int kCount>
HWY_NOINLINE void multiply_into(const Steps& steps, const T* x, const T* weights, float* result) {
  Sixteen sums[kCount];
  multiply<kPitch>(steps, x, weights, sums);
  HWY_UNROLL(16)
  for (int i = 0; i < kCount; ++i) store(sums[i], result + i * 16);
}

template <class T>
using Multiply = void (*)(const Steps&, const T*, const T*, float*);

/// For tiles of 1 to kPixels pixels.
template <class T, int kPitch, int... kBefore>
HWY_INLINE Multiply<T> multiply_of(int64_t count, std::integer_sequence<int, kBefore...>) {
  static constexpr Multiply<T> kOf[] = {&multiply_into<T, kPitch, kBefore + 1>...};
  return kOf[count - 1];
}

/// Where the residual of some pixels is read.
HWY_INLINE void residual_pixels(const OutputPass& pass, int64_t first, int64_t count, int64_t* at) {
  for (int64_t i = 0, row = first / pass.width, column = first % pass.width; i < count; ++i) {
    at[i] = (row * pass.residual_width + column) * pass.subsample;
    if (++column == pass.width) column = 0, ++row;
  }
}

/// A whole tile, whose results are finished while they are in registers; with a residual like y.
template <class T, int kPitch, Kind kind>
HWY_NOINLINE void whole_tile(const Steps& steps, const T* x, const T* weights,
                             const OutputAt<kind>& output, int64_t pixel) {
  Sixteen sums[kPixels];
  multiply<kPitch>(steps, x, weights, sums);
  HWY_UNROLL(16)
  for (int i = 0; i < kPixels; ++i) output(sums[i], pixel + i, pixel + i);
}

template <class T, int kPitch, Kind kind>
void direct_as(const DirectPass& pass) {
  const int64_t group = group_of(pass.depth);
  const int64_t weights = pass.depth.steps * pass.depth.lanes * 16;
  HWY_ALIGN float result[kPixels * 16];
  int64_t residual_at[64];
  for (int64_t first = pass.pixels.begin; first < pass.pixels.end; first += group) {
    const int64_t count = std::min(group, pass.pixels.end - first);
    const Gathered<T> x = operand_of<T, kPitch, kind>(pass, first, count);
    const Steps steps{pass.depth.steps, x.step, pass.depth.lanes};
    residual_pixels(pass.output, first, count, residual_at);
    const int64_t tiles = (count + kPixels - 1) / kPixels;
    for (int64_t block = pass.filters.begin; block < pass.filters.end; ++block) {
      const OutputAt<kind> output(pass.output, pass.image, block);
      const T* w = static_cast<const T*>(pass.weights) + block * weights;
      for (int64_t k = 0; k < tiles; ++k) {
        // Of equal size: one of few pixels takes as long as one of many.
        const int64_t begin = k * count / tiles, end = (k + 1) * count / tiles;
        const T* from = x.data + begin * kPitch;
        if (end - begin == kPixels && pass.output.subsample == 1) {
          whole_tile<T, kPitch>(steps, from, w, output, first + begin);
          continue;
        }
        multiply_of<T, kPitch>(end - begin, std::make_integer_sequence<int, kPixels>())(steps, from,
                                                                                        w, result);
        for (int64_t i = begin; i < end; ++i) {
          output(load(result + (i - begin) * 16), first + i, residual_at[i]);
        }
      }
    }
  }
}

template <class T>
void direct_of(const DirectPass& pass) {
  if (pass.depth.pitch() == 4) return direct_as<T, 4, Kind::mixed>(pass);
  with_kind([&](auto kind) { direct_as<T, 16, kind()>(pass); }, pass.x.x, pass.output.residual,
            pass.output.y);
}

void direct(const DirectPass& pass) {
  if (!pass.depth.bf16) return direct_of<float>(pass);
#ifdef PRERESNET_BF16_PRODUCTS
  direct_of<uint16_t>(pass);
#else
  throw Error("ERR_INTERNAL", "direct: expected a processor that multiplies bf16");
#endif
}

size_t scratch(const DirectDepth& depth) {
  const int64_t elements = depth.steps * (group_of(depth) + 1) * depth.pitch() + 16;
  return static_cast<size_t>(elements) * (depth.bf16 ? sizeof(uint16_t) : sizeof(float));
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {

HWY_EXPORT(direct);
HWY_EXPORT(scratch);

void run(const DirectPass& pass) { HWY_DYNAMIC_DISPATCH(direct)(pass); }
size_t direct_scratch(const DirectDepth& depth) { return HWY_DYNAMIC_DISPATCH(scratch)(depth); }

}  // namespace preresnet::cpu::passes
#endif
