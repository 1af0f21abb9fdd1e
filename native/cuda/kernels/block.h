// What several kernels do with a whole block: sums, and knowing which block comes last.
#pragma once
#include "cuda/kernels/vocabulary.h"

namespace preresnet::cuda {

__device__ __forceinline__ float warp_sum(float value) {
  for (int lanes = 16; lanes > 0; lanes /= 2) value += __shfl_xor_sync(0xffffffffu, value, lanes);
  return value;
}

/// Sum over all threads of the block, always in the same order; every thread gets it. The block is
/// one-dimensional, of whole warps.
__device__ __forceinline__ float block_sum(float value) {
  PRERESNET_SHARED(float, warps, [32]);
  const unsigned count = blockDim.x / 32;
  value = warp_sum(value);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = 0;
  for (unsigned i = 0; i < count; ++i) sum += warps[i];
  __syncthreads();  // before the next sum overwrites the array
  return sum;
}

/// True in every thread of the block that gets here last of `blocks` that share the counter: it
/// sees what all threads of the others wrote before they got here. Leaves the counter 0.
__device__ __forceinline__ bool last_block(unsigned* counter, unsigned blocks) {
  PRERESNET_SHARED(bool, last, );
  __syncthreads();
  if (threadIdx.x == 0 && threadIdx.y == 0) {
    // What the barrier ordered before this thread's fence goes with it.
    __threadfence();
    last = atomicAdd(counter, 1u) == blocks - 1;
    if (last) *counter = 0;
  }
  __syncthreads();
  if (last) __threadfence();
  return last;
}

/// Of the whole grid.
__device__ __forceinline__ bool last_block(unsigned* counter) {
  return last_block(counter, gridDim.x * gridDim.y * gridDim.z);
}

}  // namespace preresnet::cuda
