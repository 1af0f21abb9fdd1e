// Vectors lie across rows in the horizontal pass too: 16 rows are transposed, so that one pixel of
// all of them is 48 bytes that share their weights. What follows is the same loop as in the
// vertical pass.
#include "data/resize_passes.h"

#include <algorithm>
#include <cstring>

#include "data/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "data/resize_passes.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace preresnet::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kBlock = 16;  // bytes, and rows
using Sums = hn::ScalableTag<int32_t>;
using Bytes = hn::Rebind<uint8_t, Sums>;
constexpr size_t kLanes = HWY_LANES(int32_t);

/// kBytes bytes of the weighted sum of `count` rows.
template <size_t kBytes>
HWY_INLINE void weigh(const uint8_t* HWY_RESTRICT source, size_t pitch,
                      const int32_t* HWY_RESTRICT weights, int64_t count,
                      uint8_t* HWY_RESTRICT target) {
  constexpr size_t kVectors = kBytes / kLanes;
  const Sums sums;
  const Bytes bytes;
  hn::Vec<Sums> sum[kVectors];
  for (auto& one : sum) one = hn::Set(sums, 1 << (kWeightBits - 1));
  for (int64_t tap = 0; tap < count; ++tap, source += pitch) {
    const auto weight = hn::Set(sums, weights[tap]);
    for (size_t i = 0; i < kVectors; ++i) {
      const auto pixels = hn::PromoteTo(sums, hn::LoadU(bytes, source + i * kLanes));
      sum[i] = hn::Add(sum[i], hn::Mul(pixels, weight));
    }
  }
  for (size_t i = 0; i < kVectors; ++i) {
    const auto rounded = hn::ShiftRight<kWeightBits>(sum[i]);
    hn::StoreU(hn::DemoteTo(bytes, rounded), bytes, target + i * kLanes);
  }
}

/// 16 rows of 16 bytes to 16 columns.
#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void transpose(const uint8_t* const* rows, size_t at, uint8_t* to, size_t pitch) {
  for (size_t i = 0; i < kBlock; ++i) {
    for (size_t row = 0; row < kBlock; ++row) to[i * pitch + row] = rows[row][at + i];
  }
}
#else
HWY_INLINE void transpose(const uint8_t* const* rows, size_t at, uint8_t* HWY_RESTRICT to,
                          size_t pitch) {
  const hn::FixedTag<uint8_t, kBlock> d;
  hn::Vec<decltype(d)> a[kBlock];
  hn::Vec<decltype(d)> b[kBlock];
  for (size_t i = 0; i < kBlock; ++i) a[i] = hn::LoadU(d, rows[i] + at);
  // Each round interleaves the first half of the vectors with the second.
  const auto round = [&](const auto& from, auto& into) HWY_ATTR {
    for (size_t i = 0; i < kBlock / 2; ++i) {
      into[2 * i] = hn::InterleaveLower(d, from[i], from[i + kBlock / 2]);
      into[2 * i + 1] = hn::InterleaveUpper(d, from[i], from[i + kBlock / 2]);
    }
  };
  round(a, b);
  round(b, a);
  round(a, b);
  round(b, a);
  for (size_t i = 0; i < kBlock; ++i) hn::StoreU(a[i], d, to + i * pitch);
}
#endif

/// [row][byte] to [byte][16 rows]; what lacks to 16 rows repeats the last one.
void to_columns(const HorizontalPass& pass) {
  const uint8_t* rows[kBlock];
  for (size_t i = 0; i < kBlock; ++i)
    rows[i] =
        pass.source + std::min<size_t>(i, static_cast<size_t>(pass.rows) - 1) * pass.source_pitch;
  const size_t whole = pass.source_bytes / kBlock * kBlock;
  for (size_t at = 0; at < whole; at += kBlock)
    transpose(rows, at, pass.scratch + at * kBlock, kBlock);
  if (whole == pass.source_bytes) return;
  uint8_t rest[kBlock][kBlock] = {};
  for (size_t i = 0; i < kBlock; ++i) {
    std::memcpy(rest[i], rows[i] + whole, pass.source_bytes - whole);
    rows[i] = rest[i];
  }
  transpose(rows, 0, pass.scratch + whole * kBlock, kBlock);
}

/// The sums of kBlock bytes of result are transposed back as soon as they are there.
template <size_t kChannels>
void horizontal_of(const HorizontalPass& pass) {
  constexpr size_t kPixel = kChannels * kBlock;
  HWY_ALIGN uint8_t columns[kBlock * kPixel] = {};  // of kBlock pixels
  const Taps& taps = pass.taps;
  for (int64_t first = 0; first < taps.positions; first += kBlock) {
    const auto pixels = std::min<int64_t>(kBlock, taps.positions - first);
    for (int64_t i = 0; i < pixels; ++i) {
      const int64_t x = first + i;
      weigh<kPixel>(pass.scratch + taps.begin[x] * kPixel, kPixel, taps.weights + x * taps.stride,
                    taps.count[x], columns + i * kPixel);
    }
    // Behind the last pixel of a row the result has room for what was there before.
    const auto blocks = (static_cast<size_t>(pixels) * kChannels + kBlock - 1) / kBlock;
    for (size_t block = 0; block < blocks; ++block) {
      const uint8_t* from[kBlock];
      for (size_t i = 0; i < kBlock; ++i) from[i] = columns + block * kBlock * kBlock + i * kBlock;
      HWY_ALIGN uint8_t back[kBlock * kBlock];
      transpose(from, 0, back, kBlock);
      uint8_t* to = pass.narrow + static_cast<size_t>(first) * kChannels + block * kBlock;
      for (int64_t row = 0; row < pass.rows; ++row)
        std::memcpy(to + row * pass.narrow_pitch, back + row * kBlock, kBlock);
    }
  }
}

void horizontal(const HorizontalPass& pass) {
  to_columns(pass);
  pass.channels == 1 ? horizontal_of<1>(pass) : horizontal_of<3>(pass);
}

void vertical(const VerticalPass& pass) {
  const Taps& taps = pass.taps;
  for (int64_t y = 0; y < taps.positions; ++y) {
    const uint8_t* source = pass.source + taps.begin[y] * pass.source_pitch;
    const int32_t* weights = taps.weights + y * taps.stride;
    uint8_t* target = pass.target + y * pass.bytes;
    size_t x = 0;
    for (; x + kRowAlignment <= pass.bytes; x += kRowAlignment)
      weigh<kRowAlignment>(source + x, pass.source_pitch, weights, taps.count[y], target + x);
    if (x == pass.bytes) continue;
    HWY_ALIGN uint8_t rest[kRowAlignment];
    weigh<kRowAlignment>(source + x, pass.source_pitch, weights, taps.count[y], rest);
    std::memcpy(target + x, rest, pass.bytes - x);
  }
}

}  // namespace preresnet::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet {
HWY_EXPORT(horizontal);
HWY_EXPORT(vertical);
void run(const HorizontalPass& pass) { HWY_DYNAMIC_DISPATCH(horizontal)(pass); }
void run(const VerticalPass& pass) { HWY_DYNAMIC_DISPATCH(vertical)(pass); }
}  // namespace preresnet
#endif
