// The skeleton of channel-wise passes: a thread owns eight channels, whose coefficients it keeps in
// registers, and walks over rows (pixels); neighboring threads read neighboring 16 bytes. Sums
// are fp32 and always added in the same order: thread, tree over the block's rows, one partial row
// a block, and the last block to finish adds those.
//
// A pass is a struct of operands with
//   static constexpr int kTerms;          // sums a channel; 0: none
//   struct Coefficients;                  // of eight channels
//   __device__ Coefficients load(unsigned group, unsigned channel) const;
// and either
//   __device__ void row(const Coefficients&, unsigned row, unsigned channel, Terms&) const;
// or, where bandwidth is what counts, the same in two halves,
//   static constexpr int kRows;           // rows that are fetched together
//   struct Raw;                           // what is read of a row, as it is stored
//   __device__ Raw fetch(unsigned row, unsigned channel) const;
//   __device__ void row(const Coefficients&, const Raw&, unsigned row, unsigned channel, Terms&)
//       const;
// where row counts over all groups and Terms is float[kTerms][8]. Padded channels need no care:
// operands are zero there, and so is whatever is made of them.
#pragma once
#include "cuda/kernels/block.h"
#include "cuda/kernels/channel_grid.h"
#include "cuda/kernels/launch.h"
#include "cuda/kernels/vocabulary.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {

/// Where a thread of a channel-wise pass is.
struct ChannelPosition {
  unsigned row;      // of the block's rows
  unsigned rows;     // of the block
  unsigned channel;  // the first of eight
  bool inside;       // false: nothing to do but to meet the others at barriers
};

__device__ __forceinline__ ChannelPosition channel_position(const ChannelGrid& grid) {
  ChannelPosition position;
  position.rows = kChannelThreads / grid.lanes;
  position.row = threadIdx.x / grid.lanes;
  position.channel = (blockIdx.x * grid.lanes + threadIdx.x % grid.lanes) * 8;
  position.inside = position.row < position.rows && position.channel < grid.channels;
  return position;
}

/// Eight channels of a vector; `absent` where there is none, 0 past its last channel.
__device__ __forceinline__ void load_vector(const ChannelVector& vector, unsigned group,
                                            unsigned channel, float absent, float (&to)[8]) {
  if (vector.data != nullptr && channel < vector.channels) {
    load8(vector.data + static_cast<size_t>(group / vector.each) * vector.channels + channel, to);
    return;
  }
  const float value = vector.data == nullptr ? absent : 0.0f;
  PRERESNET_UNROLL
  for (int i = 0; i < 8; ++i) to[i] = value;
}

/// Lets a NaN through.
__device__ __forceinline__ float relu(float value) { return value < 0 ? 0.0f : value; }

/// Adds what the threads of a block have over its rows; right in the threads of row 0. The upper
/// half of the rows hands its sums to the lower one, level by level. Between two calls there must
/// be a barrier.
template <int kTerms>
__device__ __forceinline__ void sum_rows(const ChannelGrid& grid, const ChannelPosition& position,
                                         float (&terms)[kTerms][8]) {
  // Two, so that one level may write while the level before is still read.
  PRERESNET_SHARED(float, shared, [2][kTerms * 8][kChannelThreads / 2]);
  const unsigned thread = threadIdx.x;
  unsigned level = 0;
  for (unsigned rows = position.rows; rows > 1; ++level) {
    const unsigned half = (rows + 1) / 2;
    auto& handed = shared[level % 2];
    if (position.row >= half && position.row < rows) {
      PRERESNET_UNROLL
      for (int i = 0; i < kTerms * 8; ++i)
        handed[i][thread - half * grid.lanes] = terms[i / 8][i % 8];
    }
    __syncthreads();
    if (position.row < rows - half) {
      PRERESNET_UNROLL
      for (int i = 0; i < kTerms * 8; ++i) terms[i / 8][i % 8] += handed[i][thread];
    }
    rows = half;
  }
}

/// A thread's share of the partial sums that blocks have left, at `partial`.
template <int kTerms>
__device__ __forceinline__ void add_partial(const ChannelGrid& grid,
                                            const ChannelPosition& position, const float* partial,
                                            unsigned parts, float (&terms)[kTerms][8]) {
  constexpr unsigned kTogether = 4;
  const size_t stride = static_cast<size_t>(kTerms) * grid.channels;
  for (unsigned row = position.row; position.inside && row < parts;
       row += kTogether * position.rows) {
    PRERESNET_UNROLL
    for (int term = 0; term < kTerms; ++term) {
      Eight<float> raw[kTogether] = {};
      PRERESNET_UNROLL
      for (unsigned k = 0; k < kTogether; ++k) {
        const unsigned part = row + k * position.rows;
        if (part >= parts) continue;
        raw[k] = fetch8(partial + part * stride + static_cast<size_t>(term) * grid.channels);
      }
      PRERESNET_UNROLL
      for (unsigned k = 0; k < kTogether; ++k) {
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) terms[term][i] += raw[k].value[i];
      }
    }
  }
}

/// From the threads' sums to those of the tensor. All threads of the block call it.
template <int kTerms>
__device__ __forceinline__ void finish_sums(const ChannelGrid& grid,
                                            const ChannelPosition& position,
                                            const ChannelSums& sums, float (&terms)[kTerms][8]) {
  const unsigned rows = sums.rows > 0 ? sums.rows : kTerms;
  const int count = sums.count > 0 ? static_cast<int>(sums.count) : kTerms;
  const unsigned group = blockIdx.z / sums.each;
  const unsigned parts = sums.each * gridDim.y;
  const size_t stride = static_cast<size_t>(kTerms) * grid.channels;
  const bool writes = position.inside && position.row == 0;
  float* to = sums.data + static_cast<size_t>(group) * rows * grid.channels + position.channel;
  sum_rows<kTerms>(grid, position, terms);
  if (parts > 1) {
    float* partial = sums.partial + group * parts * stride + position.channel;
    const unsigned part = blockIdx.z % sums.each * gridDim.y + blockIdx.y;
    PRERESNET_UNROLL
    for (int term = 0; term < kTerms; ++term) {
      if (!writes) continue;
      store8(partial + part * stride + static_cast<size_t>(term) * grid.channels, terms[term]);
    }
    if (!last_block(sums.counters + group * gridDim.x + blockIdx.x, parts)) return;
    PRERESNET_UNROLL
    for (int i = 0; i < kTerms * 8; ++i) terms[i / 8][i % 8] = 0;
    add_partial<kTerms>(grid, position, partial, parts, terms);
    sum_rows<kTerms>(grid, position, terms);
  }
  PRERESNET_UNROLL
  for (int term = 0; term < kTerms; ++term) {
    if (writes && term < count) store8(to + static_cast<size_t>(term) * grid.channels, terms[term]);
  }
}

/// terms[0] += a, terms[1] += a * b: sums of what was stored, and with what.
template <int kCount>
__device__ __forceinline__ void add_terms(float (&terms)[kCount][8], const float (&a)[8],
                                          const float (&b)[8]) {
  static_assert(kCount == 2);
  PRERESNET_UNROLL
  for (int i = 0; i < 8; ++i) {
    terms[0][i] += a[i];
    terms[1][i] += a[i] * b[i];
  }
}

/// A thread's rows: from `row` on, `step` apart.
template <class Pass, int kCount>
__device__ __forceinline__ void pass_rows(const Pass& pass, const ChannelGrid& grid,
                                          const ChannelPosition& position, unsigned row,
                                          unsigned step, float (&terms)[kCount][8]) {
  const unsigned first = blockIdx.z * grid.rows;
  const auto coefficients = pass.load(blockIdx.z, position.channel);
  if constexpr (requires { typename Pass::Raw; }) {
    for (; row + (Pass::kRows - 1) * step < grid.rows; row += Pass::kRows * step) {
      typename Pass::Raw raw[Pass::kRows];
      PRERESNET_UNROLL
      for (int k = 0; k < Pass::kRows; ++k)
        raw[k] = pass.fetch(first + row + k * step, position.channel);
      PRERESNET_UNROLL
      for (int k = 0; k < Pass::kRows; ++k)
        pass.row(coefficients, raw[k], first + row + k * step, position.channel, terms);
    }
    for (; row < grid.rows; row += step) {
      pass.row(coefficients, pass.fetch(first + row, position.channel), first + row,
               position.channel, terms);
    }
  } else {
    for (; row < grid.rows; row += step)
      pass.row(coefficients, first + row, position.channel, terms);
  }
}

template <class Pass>
__global__ void __launch_bounds__(kChannelThreads)
    channel_pass(Pass pass, ChannelGrid grid, ChannelSums sums) {
  constexpr int kTerms = Pass::kTerms > 0 ? Pass::kTerms : 1;
  const ChannelPosition position = channel_position(grid);
  float terms[kTerms][8] = {};
  if (position.inside) {
    pass_rows(pass, grid, position, blockIdx.y * position.rows + position.row,
              gridDim.y * position.rows, terms);
  }
  if constexpr (Pass::kTerms > 0) finish_sums<kTerms>(grid, position, sums, terms);
}

template <class Pass>
void launch_channels(Runtime& runtime, Stream stream, const char* name, const ChannelLaunch& where,
                     const ChannelSums& sums, const Pass& pass) {
  launch(runtime, stream, name, where.grid, {kChannelThreads}, channel_pass<Pass>, pass,
         where.channels, sums);
}

/// A pass over elements of `type` that takes sums where they are wanted.
template <template <class, bool> class Pass, class Operands>
void launch_channels(Runtime& runtime, Stream stream, const char* name, Type type,
                     const ChannelLaunch& where, const ChannelSums& sums, const Operands& op) {
  const unsigned channels = where.channels.channels;
  with_type(type, [&]<class T>(T) {
    if (sums.data != nullptr) {
      launch_channels(runtime, stream, name, where, sums, Pass<T, true>{op, channels});
    } else {
      launch_channels(runtime, stream, name, where, sums, Pass<T, false>{op, channels});
    }
  });
}

}  // namespace preresnet::cuda
