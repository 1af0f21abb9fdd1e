// Stored elements as floats and back, with the rounding that a device does.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/bf16.h"
#include "core/f16.h"
#include "cuda/convolution.h"

namespace preresnet::cuda::emulation {

inline size_t size_of(Type type) { return type == Type::f32 ? 4 : 2; }

inline void load(Type type, const void* from, int64_t first, int64_t count, float* to) {
  const auto* halves = static_cast<const uint16_t*>(from) + first;
  switch (type) {
    case Type::f32:
      std::memcpy(to, static_cast<const float*>(from) + first,
                  static_cast<size_t>(count) * sizeof(float));
      break;
    case Type::bf16:
      for (int64_t i = 0; i < count; ++i) to[i] = from_bf16(halves[i]);
      break;
    case Type::f16:
      for (int64_t i = 0; i < count; ++i) to[i] = from_f16(halves[i]);
      break;
  }
}

inline void store(Type type, const float* from, int64_t count, void* to, int64_t first) {
  auto* halves = static_cast<uint16_t*>(to) + first;
  switch (type) {
    case Type::f32:
      std::memcpy(static_cast<float*>(to) + first, from,
                  static_cast<size_t>(count) * sizeof(float));
      break;
    case Type::bf16:
      for (int64_t i = 0; i < count; ++i) halves[i] = to_bf16(from[i]);
      break;
    case Type::f16:
      for (int64_t i = 0; i < count; ++i) halves[i] = to_f16(from[i]);
      break;
  }
}

inline float rounded(Type type, float value) {
  switch (type) {
    case Type::bf16:
      return from_bf16(to_bf16(value));
    case Type::f16:
      return from_f16(to_f16(value));
    case Type::f32:
      break;
  }
  return value;
}

/// What a tensor core makes of a float operand: 10 bits of mantissa, ties away from zero.
inline float to_tf32(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7f800000u) == 0x7f800000u) return value;
  return std::bit_cast<float>((bits + 0x1000u) & 0xffffe000u);
}

}  // namespace preresnet::cuda::emulation
