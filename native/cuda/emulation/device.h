// What the words of kernels/vocabulary.h mean on the emulated device.
#pragma once
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <source_location>

#include "core/bf16.h"
#include "core/f16.h"
#include "cuda/runtime.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define PRERESNET_UNROLL

// Each array is memory of its own, so that AddressSanitizer sees its borders.
#define PRERESNET_SHARED(type, name, dimensions)  \
  static const char name##_key = 0;               \
  using name##_type = type dimensions;            \
  name##_type& name = *static_cast<name##_type*>( \
      ::preresnet::cuda::emulation::shared_memory(&name##_key, sizeof(name##_type)))

#define threadIdx (*::preresnet::cuda::emulation::now.thread)
#define blockIdx (::preresnet::cuda::emulation::now.block)
#define blockDim (::preresnet::cuda::emulation::now.block_size)
#define gridDim (::preresnet::cuda::emulation::now.grid)

namespace preresnet::cuda::emulation {

/// Where the thread that runs is.
struct Now {
  const Dim3* thread = nullptr;
  Dim3 block, block_size, grid;
};
extern constinit thread_local Now now;

enum class Shuffle : uint8_t { exclusive_or, down };

void barrier(const std::source_location& where);
uint32_t shuffle(Shuffle, uint32_t mask, uint32_t value, uint32_t distance,
                 const std::source_location& where);
void* shared_memory(const void* key, size_t bytes);

}  // namespace preresnet::cuda::emulation

namespace preresnet::cuda {

struct f16 {
  uint16_t bits;
};
struct bf16 {
  uint16_t bits;
};

inline float to_float(float value) { return value; }
inline float to_float(f16 value) { return from_f16(value.bits); }
inline float to_float(bf16 value) { return from_bf16(value.bits); }
template <class T>
inline T from_float(float value);
template <>
inline float from_float<float>(float value) {
  return value;
}
template <>
inline f16 from_float<f16>(float value) {
  return {to_f16(value)};
}
template <>
inline bf16 from_float<bf16>(float value) {
  return {to_bf16(value)};
}

// Where a barrier or a shuffle stands tells whether all threads are at the same one.
inline void __syncthreads(const std::source_location& where = std::source_location::current()) {
  emulation::barrier(where);
}
template <class T>
inline T __shfl_xor_sync(uint32_t mask, T value, int lanes,
                         const std::source_location& where = std::source_location::current()) {
  return std::bit_cast<T>(emulation::shuffle(emulation::Shuffle::exclusive_or, mask,
                                             std::bit_cast<uint32_t>(value),
                                             static_cast<uint32_t>(lanes), where));
}
template <class T>
inline T __shfl_down_sync(uint32_t mask, T value, unsigned lanes,
                          const std::source_location& where = std::source_location::current()) {
  return std::bit_cast<T>(emulation::shuffle(emulation::Shuffle::down, mask,
                                             std::bit_cast<uint32_t>(value), lanes, where));
}

/// Blocks run one after another: whatever was written can be seen.
inline void __threadfence() {}
inline unsigned atomicAdd(unsigned* address, unsigned value) {
  const unsigned old = *address;
  *address += value;
  return old;
}

inline float rsqrtf(float value) { return 1 / std::sqrt(value); }

}  // namespace preresnet::cuda
