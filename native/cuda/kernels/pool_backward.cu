// dx = mask . (each dy given to the first maximum of its window). Every place of x looks through
// the windows that cover it, so that nothing is added in an order that changes. x, dx: N C H W, dy:
// N C P Q in the storage type; scale, bias: G C f32.
#include "cuda/kernels/pool_window.h"

namespace preresnet::cuda {
namespace {

template <class T, bool kSums>
struct PoolBackwardPass {
  static constexpr int kTerms = kSums ? 2 : 0;
  PoolBackwardOperands op;
  unsigned channels;

  using Coefficients = Transform;
  __device__ Coefficients load(unsigned group, unsigned channel) const {
    return load_transform(op, group, channel, op.relu);
  }

  /// Bit i: the first maximum of channel i in the window is `own`, at (h, w).
  __device__ __forceinline__ unsigned winners(const Transform& t, const T* image,
                                              const PoolWindow& window, int h, int w,
                                              const float (&own)[8]) const {
    unsigned winners = 0xff;
    for (int row = window.top; row < window.bottom && winners != 0; ++row) {
      for (int column = window.left; column < window.right; ++column) {
        if (row == h && column == w) continue;
        const bool before = row < h || (row == h && column < w);
        float values[8];
        load8(image + (static_cast<size_t>(row) * op.sizes.width + column) * channels, values);
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) {
          const float value = t(i, values[i]);
          const bool loses = before ? !replaces(own[i], value) : replaces(value, own[i]);
          if (loses) winners &= ~(1u << i);
        }
      }
    }
    return winners;
  }

  template <int kCount>
  __device__ void row(const Coefficients& t, unsigned row, unsigned channel,
                      float (&terms)[kCount][8]) const {
    const PoolSizes& sizes = op.sizes;
    const int w = static_cast<int>(row % sizes.width);
    const int h = static_cast<int>(row / sizes.width % sizes.height);
    const size_t image = row / sizes.width / sizes.height;
    const T* x =
        static_cast<const T*>(op.x) + image * sizes.height * sizes.width * channels + channel;
    const T* dy = static_cast<const T*>(op.dy) +
                  image * sizes.out_height * sizes.out_width * channels + channel;
    float values[8], own[8], dx[8] = {};
    load8(x + (static_cast<size_t>(h) * sizes.width + w) * channels, values);
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) own[i] = t(i, values[i]);

    // The windows over (h, w): p stride - padding <= h < p stride - padding + kernel.
    const int above = h + sizes.padding - sizes.kernel, before = w + sizes.padding - sizes.kernel;
    for (int p = above < 0 ? 0 : above / sizes.stride + 1;
         p <= (h + sizes.padding) / sizes.stride && p < sizes.out_height; ++p) {
      for (int q = before < 0 ? 0 : before / sizes.stride + 1;
           q <= (w + sizes.padding) / sizes.stride && q < sizes.out_width; ++q) {
        const unsigned chosen = winners(t, x, PoolWindow(sizes, p, q), h, w, own);
        if (chosen == 0) continue;
        float gradients[8];
        load8(dy + (static_cast<size_t>(p) * sizes.out_width + q) * channels, gradients);
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) {
          if ((chosen >> i & 1) != 0) dx[i] += gradients[i];
        }
      }
    }
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) {
      if (t.relu && !(t.inner(i, values[i]) > 0)) dx[i] = 0;
    }
    store8(static_cast<T*>(op.dx) + static_cast<size_t>(row) * channels + channel, dx);
    if constexpr (kSums) add_terms(terms, dx, values);
  }
};

}  // namespace

void pool_backward(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
                   const ChannelSums& sums, const PoolBackwardOperands& op) {
  launch_channels<PoolBackwardPass>(runtime, stream, "pool_backward", type, where, sums, op);
}

}  // namespace preresnet::cuda
