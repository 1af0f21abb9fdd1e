// dx = mask . (each dy shared out in equal parts over its window). Every place of x looks at the
// windows that cover it, so that nothing is added in an order that changes. x, dx: N C H W, dy:
// N C P Q in the storage type; scale, bias: G C f32.
#include "cuda/kernels/average_pool.h"
#include "cuda/kernels/transform.h"

namespace preresnet::cuda {
namespace {

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
    const T* dy = static_cast<const T*>(op.dy) +
                  image * sizes.out_height * sizes.out_width * channels + channel;
    float dx[8] = {};

    // The windows over (h, w): p stride - padding <= h < p stride - padding + kernel.
    const int above = h + sizes.padding - sizes.kernel, before = w + sizes.padding - sizes.kernel;
    const int first_q = before < 0 ? 0 : before / sizes.stride + 1;
    for (int p = above < 0 ? 0 : above / sizes.stride + 1;
         p <= (h + sizes.padding) / sizes.stride && p < sizes.out_height; ++p) {
      for (int q = first_q; q <= (w + sizes.padding) / sizes.stride && q < sizes.out_width; ++q) {
        float gradients[8];
        load8(dy + (static_cast<size_t>(p) * sizes.out_width + q) * channels, gradients);
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
