// dx = mask . (each dy shared out in equal parts over its window). Every position of x looks at the
// windows that cover it, so that nothing is added in an order that changes. x, dx: N C H W, dy:
// N C P Q in the storage type; scale, bias: G C f32.
#include "cuda/kernels/average_pool.h"
#include "cuda/kernels/transform.h"

namespace preresnet::cuda {
namespace {

/// Of the windows of one axis that cover a position.
__device__ __forceinline__ int first_window(const PoolSizes& sizes, int position) {
  const int above = position + sizes.padding - sizes.kernel;
  return above < 0 ? 0 : above / sizes.stride + 1;
}
__device__ __forceinline__ int last_window(const PoolSizes& sizes, int position, int windows) {
  const int last = (position + sizes.padding) / sizes.stride;
  return last < windows ? last : windows - 1;
}

template <class T, bool kSums>
struct AveragePoolBackwardPass {
  static constexpr int kTerms = kSums ? 2 : 0;
  AveragePoolBackwardOperands op;
  unsigned channels;

  using Coefficients = Transform;
  __device__ Coefficients load(unsigned group, unsigned channel) const {
    return load_transform(op, group, channel, op.relu);
  }
  template <int kCount>
  __device__ void row(const Coefficients& t, unsigned row, unsigned channel,
                      float (&terms)[kCount][8]) const {
    const PoolSizes& sizes = op.sizes;
    const int w = static_cast<int>(row % sizes.width);
    const int h = static_cast<int>(row / sizes.width % sizes.height);
    const size_t image = row / sizes.width / sizes.height;
    // The windows over (h, w): p stride - padding <= h < p stride - padding + kernel.
    const int first_p = first_window(sizes, h), first_q = first_window(sizes, w);
    const int windows = last_window(sizes, w, sizes.out_width) - first_q;
    int lines = last_window(sizes, h, sizes.out_height) - first_p;
    // Walking pointers leave registers to the coefficients and sums.
    const T* line = static_cast<const T*>(op.dy) +
                    ((image * sizes.out_height + first_p) * sizes.out_width + first_q) * channels +
                    channel;
    float dx[8] = {};
    for (; lines >= 0; --lines, line += sizes.out_width * channels) {
      const T* dy = line;
      for (int window = windows; window >= 0; --window, dy += channels) {
        float gradients[8];
        load8(dy, gradients);
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) dx[i] += gradients[i];
      }
    }

    const size_t at = static_cast<size_t>(row) * channels + channel;
    const float share = 1.0f / static_cast<float>(sizes.kernel * sizes.kernel);
    float values[8] = {};
    if (kSums || t.relu) load8(static_cast<const T*>(op.x) + at, values);
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) {
      dx[i] = t.relu && !(t.inner(i, values[i]) > 0) ? 0.0f : dx[i] * share;
    }
    store8(static_cast<T*>(op.dx) + at, dx);
    if constexpr (kSums) add_terms(terms, dx, values);
  }
};

}  // namespace

void average_pool_backward(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
                           const ChannelSums& sums, const AveragePoolBackwardOperands& op) {
  launch_channels<AveragePoolBackwardPass>(runtime, stream, "average_pool_backward", type, where,
                                           sums, op);
}

}  // namespace preresnet::cuda
