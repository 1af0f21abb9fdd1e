#include "cuda/kernels/channel_pass.h"
#include "cuda/kernels/group_sums.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {
namespace {

template <class T>
struct ChannelSumsPass {
  static constexpr int kTerms = 1;
  const void* x;
  unsigned channels;

  struct Coefficients {};
  __device__ Coefficients load(unsigned, unsigned) const { return {}; }
  __device__ void row(const Coefficients&, unsigned row, unsigned channel,
                      float (&terms)[1][8]) const {
    float values[8];
    load8(static_cast<const T*>(x) + static_cast<size_t>(row) * channels + channel, values);
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) terms[0][i] += values[i];
  }
};

constexpr unsigned kSumThreads = 256;

/// A thread for eight neighbors; count is a multiple of 8.
template <class T>
__global__ void group_sums_kernel(const T* from, T* to, int groups, int64_t count) {
  const int64_t i = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * 8;
  if (i >= count) return;
  float sums[8] = {};
  for (int group = 0; group < groups; ++group) {
    float values[8];
    load8(from + group * count + i, values);
    PRERESNET_UNROLL
    for (int j = 0; j < 8; ++j) sums[j] += values[j];
  }
  store8(to + i, sums);
}

}  // namespace

void channel_sums(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
                  const ChannelSums& sums, const void* x) {
  with_type(type, [&]<class T>(T) {
    launch_channels(runtime, stream, "channel_sums", where, sums,
                    ChannelSumsPass<T>{x, where.channels.channels});
  });
}

void group_sums(Runtime& runtime, Stream stream, Type type, const void* from, void* to, int groups,
                int64_t count) {
  const auto blocks = static_cast<unsigned>((count / 8 + kSumThreads - 1) / kSumThreads);
  with_type(type, [&]<class T>(T) {
    launch(runtime, stream, "group_sums", {blocks}, {kSumThreads}, group_sums_kernel<T>,
           static_cast<const T*>(from), static_cast<T*>(to), groups, count);
  });
}

}  // namespace preresnet::cuda
