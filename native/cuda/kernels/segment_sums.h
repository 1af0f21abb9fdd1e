// What kernels of optimizers share that look at each parameter as a whole.
#pragma once
#include "cuda/kernels/block.h"
#include "cuda/kernels/parameters.h"

namespace preresnet::cuda {

struct TwoSums {
  float first, second;
};

/// Both sums over all pieces of the segment that a piece belongs to. By all threads of a block.
__device__ __forceinline__ TwoSums segment_sums(const SegmentSums& s, int32_t index) {
  const SegmentPieces segment = s.segments[index];
  TwoSums sums{0, 0};
  for (int32_t i = static_cast<int32_t>(threadIdx.x); i < segment.count;
       i += static_cast<int32_t>(blockDim.x)) {
    sums.first += s.sums[(segment.first + i) * 2];
    sums.second += s.sums[(segment.first + i) * 2 + 1];
  }
  sums.first = block_sum(sums.first);
  sums.second = block_sum(sums.second);
  return sums;
}

/// What one piece adds to them. By all threads of a block.
__device__ __forceinline__ void store_sums(const SegmentSums& s, int32_t index, float first,
                                           float second) {
  first = block_sum(first);
  second = block_sum(second);
  if (threadIdx.x != 0) return;
  s.sums[index * 2] = first;
  s.sums[index * 2 + 1] = second;
}

}  // namespace preresnet::cuda
