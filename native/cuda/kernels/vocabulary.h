// The words kernels are written in. Under nvcc they are CUDA's own; on the emulated device
// emulation/device.h gives them a meaning on a CPU: the same .cu file compiles with both.
//
// Allowed: threadIdx, blockIdx, blockDim, gridDim, __syncthreads, __shfl_xor_sync and
// __shfl_down_sync over whole warps, PRERESNET_SHARED(float, name, [256][8]); for a __shared__
// array,
// __threadfence with atomicAdd on counters ("last block done"), half and bfloat16 through to_float
// and from_float, 16-byte accesses through Eight, PRERESNET_UNROLL before a loop, the C library's
// float functions and rsqrtf. Nothing else, so that the emulation stays small.
#pragma once
#include <cstdint>

#ifdef PRERESNET_EMULATED
#include "cuda/emulation/device.h"
#else
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#define PRERESNET_SHARED(type, name, dimensions) __shared__ type name dimensions
#define PRERESNET_UNROLL _Pragma("unroll")
namespace preresnet::cuda {
using f16 = __half;
using bf16 = __nv_bfloat16;
__device__ __forceinline__ float to_float(float value) { return value; }
__device__ __forceinline__ float to_float(f16 value) { return __half2float(value); }
__device__ __forceinline__ float to_float(bf16 value) { return __bfloat162float(value); }
template <class T>
__device__ __forceinline__ T from_float(float value);
template <>
__device__ __forceinline__ float from_float<float>(float value) {
  return value;
}
template <>
__device__ __forceinline__ f16 from_float<f16>(float value) {
  return __float2half_rn(value);
}
template <>
__device__ __forceinline__ bf16 from_float<bf16>(float value) {
  return __float2bfloat16_rn(value);
}
}  // namespace preresnet::cuda
#endif

namespace preresnet::cuda {

/// Eight neighboring channels: one 16-byte access of a half type, two of float.
template <class T>
struct alignas(16) Eight {
  T value[8];
};

/// As they are stored: loads of several operands go out together where none is looked at between.
template <class T>
__device__ __forceinline__ Eight<T> fetch8(const T* from) {
  return *reinterpret_cast<const Eight<T>*>(from);
}

template <class T>
__device__ __forceinline__ void to_floats(const Eight<T>& raw, float (&to)[8]) {
  PRERESNET_UNROLL
  for (int i = 0; i < 8; ++i) to[i] = to_float(raw.value[i]);
}

template <class T>
__device__ __forceinline__ void load8(const T* from, float (&to)[8]) {
  to_floats(fetch8(from), to);
}

/// Rounds `from` to what is stored, in place too, so that sums can be taken of what others will
/// read.
template <class T>
__device__ __forceinline__ void store8(T* to, float (&from)[8]) {
  Eight<T> raw;
  PRERESNET_UNROLL
  for (int i = 0; i < 8; ++i) {
    raw.value[i] = from_float<T>(from[i]);
    from[i] = to_float(raw.value[i]);
  }
  *reinterpret_cast<Eight<T>*>(to) = raw;
}

}  // namespace preresnet::cuda
