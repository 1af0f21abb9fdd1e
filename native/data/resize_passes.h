// The two passes of a resize, over bytes, in Pillow's fixed-point arithmetic.
#pragma once
#include <cstddef>
#include <cstdint>

namespace preresnet {

/// 8 bits of pixel, 2 of headroom and 22 of weight fill 32.
constexpr int kWeightBits = 22;

/// Rows that the horizontal pass takes at a time.
constexpr int64_t kRowsAtOnce = 16;
/// Rows of its result begin at multiples of so many bytes.
constexpr size_t kRowAlignment = 64;

/// Of one direction: which source positions make a target position, and with what weights.
struct Taps {
  const int64_t* begin;
  const int64_t* count;
  const int32_t* weights;  // [position][stride], in 2^-kWeightBits
  int64_t stride;
  int64_t positions;
};

struct HorizontalPass {
  const uint8_t* source;  // of `rows` rows, `source_pitch` bytes from one to the next
  size_t source_pitch;
  int64_t rows;         // 1 ... kRowsAtOnce
  size_t source_bytes;  // of a row: nothing behind them is read
  int64_t channels;     // 1 or 3
  Taps taps;
  uint8_t* scratch;  // source_bytes * kRowsAtOnce, rounded up to 256
  uint8_t* narrow;   // rows of the result, rounded up to kRowAlignment bytes
  size_t narrow_pitch;
};

struct VerticalPass {
  const uint8_t* source;
  size_t source_pitch;  // a multiple of kRowAlignment
  Taps taps;
  uint8_t* target;  // rows of `bytes`, one behind the other
  size_t bytes;
};

void run(const HorizontalPass& pass);
void run(const VerticalPass& pass);

}  // namespace preresnet
