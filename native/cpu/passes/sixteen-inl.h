// Sixteen channels of one pixel: the unit of all vector code here. One register with AVX-512, two
// with AVX2, four with NEON. Compiled once per instruction set, by whoever includes it after
// hwy/foreach_target.h.
#if defined(PRERESNET_CPU_PASSES_SIXTEEN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PRERESNET_CPU_PASSES_SIXTEEN_INL_H_
#undef PRERESNET_CPU_PASSES_SIXTEEN_INL_H_
#else
#define PRERESNET_CPU_PASSES_SIXTEEN_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "cpu/storage.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;
using Words = hn::RebindToUnsigned<Floats>;
using Halves = hn::Rebind<uint16_t, Floats>;
using Float = hn::Vec<Floats>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(Floats()));
constexpr int kParts = 16 / kLanes;

struct Sixteen {
  Float part[kParts];
  // An implicit one would lie outside the target's functions, and GCC for arm64 refuses to inline
  // Highway's constructors into it.
  HWY_INLINE Sixteen() {}
};

HWY_INLINE Sixteen splat(float value) {
  Sixteen r;
  for (int i = 0; i < kParts; ++i) r.part[i] = hn::Set(Floats(), value);
  return r;
}
HWY_INLINE Sixteen zero() { return splat(0.0f); }

HWY_INLINE Float load_part(const float* from) { return hn::LoadU(Floats(), from); }
HWY_INLINE Float load_part(const uint16_t* from) {
  const auto wide = hn::PromoteTo(Words(), hn::LoadU(Halves(), from));
  return hn::BitCast(Floats(), hn::ShiftLeft<16>(wide));
}
/// Of f32 or bf16.
template <class T>
HWY_INLINE Sixteen load(const T* from) {
  Sixteen r;
  for (int i = 0; i < kParts; ++i) r.part[i] = load_part(from + i * kLanes);
  return r;
}
HWY_INLINE void store(const Sixteen& value, float* to) {
  for (int i = 0; i < kParts; ++i) hn::StoreU(value.part[i], Floats(), to + i * kLanes);
}
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
/// Sixteen bf16, rounded to nearest even (NaN stays NaN). The processor's instruction for it takes
/// values below 2^-126 for 0. Highway has it in versions younger than Debian 12's;
/// limit_instruction_sets() sees to it that the processor has it.
HWY_INLINE hn::Vec<Halves> to_halves(const Sixteen& value) {
  static_assert(kParts == 1);
  hn::Vec<Halves> half;
  asm("vcvtneps2bf16 %1, %0" : "=v"(half.raw) : "v"(value.part[0].raw));
  return half;
}
HWY_INLINE Sixteen from_halves(const hn::Vec<Halves>& half) {
  Sixteen r;
  r.part[0] = hn::BitCast(Floats(), hn::ShiftLeft<16>(hn::PromoteTo(Words(), half)));
  return r;
}
/// Stores bf16 and returns what was stored.
HWY_INLINE Sixteen store(const Sixteen& value, uint16_t* to) {
  const auto half = to_halves(value);
  hn::StoreU(half, Halves(), to);
  return from_halves(half);
}
/// The same past the caches, to multiples of 32 bytes; hwy::FlushStream() before others read it.
HWY_INLINE Sixteen stream(const Sixteen& value, uint16_t* to) {
  const auto half = to_halves(value);
  hn::Stream(half, Halves(), to);
  return from_halves(half);
}
/// What would be stored as bf16.
HWY_INLINE Sixteen as_bf16(const Sixteen& value) { return from_halves(to_halves(value)); }
#else
/// Stores bf16, rounded to nearest even (NaN stays NaN), and returns what was stored.
HWY_INLINE Sixteen store(const Sixteen& value, uint16_t* to) {
  Sixteen r;
  const Words words;
  for (int i = 0; i < kParts; ++i) {
    const auto bits = hn::BitCast(words, value.part[i]);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(words, 1));
    const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(words, 0x7fff)));
    const auto quiet = hn::Or(bits, hn::Set(words, 0x400000));
    const auto nan = hn::RebindMask(words, hn::IsNaN(value.part[i]));
    const auto half = hn::ShiftRight<16>(hn::IfThenElse(nan, quiet, rounded));
    hn::StoreU(hn::TruncateTo(Halves(), half), Halves(), to + i * kLanes);
    r.part[i] = hn::BitCast(Floats(), hn::ShiftLeft<16>(half));
  }
  return r;
}
#endif

HWY_INLINE Sixteen add(const Sixteen& a, const Sixteen& b) {
  Sixteen r;
  for (int i = 0; i < kParts; ++i) r.part[i] = hn::Add(a.part[i], b.part[i]);
  return r;
}
HWY_INLINE Sixteen subtract(const Sixteen& a, const Sixteen& b) {
  Sixteen r;
  for (int i = 0; i < kParts; ++i) r.part[i] = hn::Sub(a.part[i], b.part[i]);
  return r;
}
HWY_INLINE Sixteen multiply(const Sixteen& a, const Sixteen& b) {
  Sixteen r;
  for (int i = 0; i < kParts; ++i) r.part[i] = hn::Mul(a.part[i], b.part[i]);
  return r;
}
/// a * b + c
HWY_INLINE Sixteen multiply_add(const Sixteen& a, const Sixteen& b, const Sixteen& c) {
  Sixteen r;
  for (int i = 0; i < kParts; ++i) r.part[i] = hn::MulAdd(a.part[i], b.part[i], c.part[i]);
  return r;
}
/// max(a, b); a NaN on either side stays.
HWY_INLINE Sixteen larger(const Sixteen& a, const Sixteen& b) {
  Sixteen r;
  for (int i = 0; i < kParts; ++i) {
    const auto taken = hn::Or(hn::Gt(b.part[i], a.part[i]), hn::IsNaN(b.part[i]));
    r.part[i] = hn::IfThenElse(taken, b.part[i], a.part[i]);
  }
  return r;
}
/// max(a, 0), NaN stays NaN: a network that has gone wrong must show it.
HWY_INLINE Float relu(Float a) {
  const Float none = hn::Zero(Floats());
  return hn::IfThenElse(hn::Lt(a, none), none, a);
}
HWY_INLINE Sixteen relu(const Sixteen& a) {
  Sixteen r;
  for (int i = 0; i < kParts; ++i) r.part[i] = relu(a.part[i]);
  return r;
}
/// value where by > 0, else 0.
HWY_INLINE Sixteen where_positive(const Sixteen& by, const Sixteen& value) {
  Sixteen r;
  const Float none = hn::Zero(Floats());
  for (int i = 0; i < kParts; ++i) {
    r.part[i] = hn::IfThenElseZero(hn::Gt(by.part[i], none), value.part[i]);
  }
  return r;
}
/// to[0 .. 16) += value
HWY_INLINE void add_to(const Sixteen& value, double* to) {
  HWY_ALIGN float lanes[16];
  store(value, lanes);
  for (int i = 0; i < 16; ++i) to[i] += static_cast<double>(lanes[i]);
}

// ---- Types in memory: known to the compiler where all of a pass's tensors agree, else looked at
// for every sixteen.

enum class Kind { f32, bf16, mixed };

/// Bytes that reading asks memory for ahead of time: what is behind them is mostly the next pixels,
/// and may be past a tensor's end, where asking does no harm. Measured to be faster by 7 % of
/// ResNet-164's step than what the processor fetches by itself.
constexpr int64_t kAhead = 2048;

template <Kind kind>
HWY_INLINE Sixteen read(const Source& source, int64_t index) {
  const bool bf16 = kind == Kind::mixed ? source.bf16 : kind == Kind::bf16;
  hwy::Prefetch(static_cast<const uint8_t*>(source.data) + index * (bf16 ? 2 : 4) + kAhead);
  if (bf16) return load(static_cast<const uint16_t*>(source.data) + index);
  return load(static_cast<const float*>(source.data) + index);
}
/// Returns the value as it is in memory now.
template <Kind kind>
HWY_INLINE Sixteen write(const Destination& target, int64_t index, const Sixteen& value) {
  const bool bf16 = kind == Kind::mixed ? target.bf16 : kind == Kind::bf16;
  if (bf16) return store(value, static_cast<uint16_t*>(target.data) + index);
  store(value, static_cast<float*>(target.data) + index);
  return value;
}

/// A row's values from `channel` on, where there is a row.
template <class T>
HWY_INLINE T* from_channel(T* row, int64_t channel) {
  return row == nullptr ? nullptr : row + channel;
}
HWY_INLINE Sixteen load_or(const float* row, int64_t channel, float otherwise) {
  return row == nullptr ? splat(otherwise) : load(row + channel);
}

/// t(x) of one block of channels.
struct Transform {
  Sixteen scale, bias;
  bool affine, rectify;

  HWY_INLINE Sixteen operator()(Sixteen x) const {
    if (affine) x = multiply_add(x, scale, bias);
    return rectify ? relu(x) : x;
  }
  /// Of one part of the sixteen.
  HWY_INLINE Float operator()(Float x, int part) const {
    if (affine) x = hn::MulAdd(x, scale.part[part], bias.part[part]);
    return rectify ? relu(x) : x;
  }
};
HWY_INLINE Transform transform_of(const float* scale, const float* bias, bool rectify,
                                  int64_t channel) {
  return {load_or(scale, channel, 1), load_or(bias, channel, 0),
          scale != nullptr || bias != nullptr, rectify};
}

// ---- Sums over the pixels of an image.

/// Two sums over pixels: of value, and of value * factor. They are added to where they stand: GCC
/// passes pairs of Sixteen through memory, which cost ResNet-164's step several percent.
struct Sums {
  Sixteen values, products;

  HWY_INLINE Sums() : values(zero()), products(zero()) {}
  HWY_INLINE void add(const Sixteen& value, const Sixteen& factor) {
    for (int i = 0; i < kParts; ++i) {
      values.part[i] = hn::Add(values.part[i], value.part[i]);
      products.part[i] = hn::MulAdd(value.part[i], factor.part[i], products.part[i]);
    }
  }
};
/// Where nobody asks for them.
struct NoSums {
  HWY_INLINE void add(const Sixteen&, const Sixteen&) {}
};

/// f32 sums are kept over so few pixels that their rounding does not matter, then added up in
/// double.
constexpr int64_t kPixelsInFloat = 128;

/// Calls step(pixel, sums), in order, and adds up to sums[0 .. 16) and products[0 .. 16) what it
/// adds to its sums.
template <class Step>
HWY_INLINE void accumulate(int64_t pixels, Step step, double* sums, double* products) {
  for (int64_t begin = 0; begin < pixels; begin += kPixelsInFloat) {
    const int64_t end = HWY_MIN(begin + kPixelsInFloat, pixels);
    // Two of each: an addition need not wait for the one before.
    Sums even, odd;
    int64_t pixel = begin;
    for (; pixel + 1 < end; pixel += 2) {
      step(pixel, even);
      step(pixel + 1, odd);
    }
    if (pixel < end) step(pixel, even);
    add_to(add(even.values, odd.values), sums);
    if (products != nullptr) add_to(add(even.products, odd.products), products);
  }
}

/// The same where nobody asks for sums, or for both.
template <class Step>
HWY_INLINE void each_pixel(int64_t pixels, Step step, double* sums, double* products) {
  if (sums != nullptr) return accumulate(pixels, step, sums, products);
  NoSums none;
  for (int64_t pixel = 0; pixel < pixels; ++pixel) step(pixel, none);
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
