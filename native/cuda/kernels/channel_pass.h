// The skeleton of channel-wise passes: a thread owns eight channels, whose coefficients it keeps in
// registers, and walks over rows (pixels); neighbouring threads read neighbouring 16 bytes. Sums
// are fp32 and always added in the same order: thread, tree over the block's rows, one partial row
// a block, and the last block to finish adds those.
//
// A pass is a struct of operands with
//   static constexpr int kTerms;          // sums a channel; 0: none
//   struct Coefficients;                  // of eight channels
//   __device__ Coefficients load(unsigned group, unsigned channel) const;
//   __device__ void row(const Coefficients&, unsigned row, unsigned channel, Terms&) const;
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
struct ChannelPlace {
  unsigned row;      // of the block's rows
  unsigned rows;     // of the block
  unsigned channel;  // the first of eight
  bool inside;       // false: nothing to do but to meet the others at barriers
};

__device__ __forceinline__ ChannelPlace channel_place(const ChannelGrid& grid) {
  ChannelPlace place;
  place.rows = kChannelThreads / grid.lanes;
  place.row = threadIdx.x / grid.lanes;
  place.channel = (blockIdx.y * grid.lanes + threadIdx.x % grid.lanes) * 8;
  place.inside = place.row < place.rows && place.channel < grid.channels;
  return place;
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

/// Adds what the threads of a block have over its rows; right in the threads of row 0.
template <int kTerms>
__device__ __forceinline__ void sum_rows(const ChannelGrid& grid, const ChannelPlace& place,
                                         float (&terms)[kTerms][8]) {
  PRERESNET_SHARED(float, shared, [kTerms * 8][kChannelThreads]);
  const unsigned thread = threadIdx.x;
  for (int i = 0; i < kTerms * 8; ++i) shared[i][thread] = terms[i / 8][i % 8];
  for (unsigned rows = place.rows; rows > 1;) {
    const unsigned half = (rows + 1) / 2;
    __syncthreads();
    if (place.row < rows - half) {
      for (int i = 0; i < kTerms * 8; ++i)
        shared[i][thread] += shared[i][thread + half * grid.lanes];
    }
    rows = half;
  }
  for (int i = 0; i < kTerms * 8; ++i) terms[i / 8][i % 8] = shared[i][thread];
}

/// From the threads' sums to those of the tensor. All threads of the block call it.
template <int kTerms>
__device__ __forceinline__ void finish_sums(const ChannelGrid& grid, const ChannelPlace& place,
                                            const ChannelSums& sums, float (&terms)[kTerms][8]) {
  const unsigned rows = sums.rows > 0 ? sums.rows : kTerms;
  const int count = sums.count > 0 ? static_cast<int>(sums.count) : kTerms;
  const unsigned group = blockIdx.z / sums.each;
  const unsigned parts = sums.each * gridDim.x;
  const size_t stride = static_cast<size_t>(kTerms) * grid.channels;
  const bool writes = place.inside && place.row == 0;
  float* to = sums.data + static_cast<size_t>(group) * rows * grid.channels + place.channel;
  sum_rows<kTerms>(grid, place, terms);
  if (parts > 1) {
    float* partial = sums.partial + group * parts * stride + place.channel;
    const unsigned part = blockIdx.z % sums.each * gridDim.x + blockIdx.x;
    for (int term = 0; writes && term < kTerms; ++term) {
      store8(partial + part * stride + static_cast<size_t>(term) * grid.channels, terms[term]);
    }
    if (!last_block(sums.counters + group * gridDim.y + blockIdx.y, parts)) return;
    for (int i = 0; i < kTerms * 8; ++i) terms[i / 8][i % 8] = 0;
    for (unsigned row = place.row; place.inside && row < parts; row += place.rows) {
      for (int term = 0; term < kTerms; ++term) {
        float values[8];
        load8(partial + row * stride + static_cast<size_t>(term) * grid.channels, values);
        for (int i = 0; i < 8; ++i) terms[term][i] += values[i];
      }
    }
    sum_rows<kTerms>(grid, place, terms);
  }
  for (int term = 0; writes && term < count; ++term) {
    store8(to + static_cast<size_t>(term) * grid.channels, terms[term]);
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

template <class Pass>
__global__ void __launch_bounds__(kChannelThreads)
    channel_pass(Pass pass, ChannelGrid grid, ChannelSums sums) {
  constexpr int kTerms = Pass::kTerms > 0 ? Pass::kTerms : 1;
  const ChannelPlace place = channel_place(grid);
  float terms[kTerms][8] = {};
  if (place.inside) {
    const unsigned first = blockIdx.z * grid.rows;
    const auto coefficients = pass.load(blockIdx.z, place.channel);
    for (unsigned row = blockIdx.x * place.rows + place.row; row < grid.rows;
         row += gridDim.x * place.rows) {
      pass.row(coefficients, first + row, place.channel, terms);
    }
  }
  if constexpr (Pass::kTerms > 0) finish_sums<kTerms>(grid, place, sums, terms);
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
