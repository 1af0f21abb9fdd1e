// y = mean over each window of t(x), zeros outside the image. x: N C H W, y: N C P Q in the storage
// type; scale, bias: G C f32. Rows are pixels of y; a window's values come from cache, its
// neighbors have read most.
#include "cuda/kernels/average_pool.h"
#include "cuda/kernels/pool_window.h"

namespace preresnet::cuda {
namespace {

template <class T, bool kSums>
struct BnReluAveragePoolPass {
  static constexpr int kTerms = kSums ? 2 : 0;
  BnReluPoolOperands op;
  unsigned channels;

  using Coefficients = Transform;
  __device__ Coefficients load(unsigned group, unsigned channel) const {
    return load_transform(op, group, channel, op.relu);
  }
  template <int kCount>
  __device__ void row(const Coefficients& t, unsigned row, unsigned channel,
                      float (&terms)[kCount][8]) const {
    const PoolSizes& sizes = op.sizes;
    const PoolPosition at(sizes, row);
    const PoolWindow window(sizes, at.p, at.q);
    const T* image =
        static_cast<const T*>(op.x) + at.image * sizes.height * sizes.width * channels + channel;
    float mean[8] = {};
    for (int h = window.top; h < window.bottom; ++h) {
      for (int w = window.left; w < window.right; ++w) {
        float values[8];
        load8(image + (static_cast<size_t>(h) * sizes.width + w) * channels, values);
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) mean[i] += t(i, values[i]);
      }
    }
    const float share = 1.0f / static_cast<float>(sizes.kernel * sizes.kernel);
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) mean[i] *= share;
    store8(static_cast<T*>(op.y) + static_cast<size_t>(row) * channels + channel, mean);
    if constexpr (kSums) add_terms(terms, mean, mean);
  }
};

}  // namespace

void bn_relu_average_pool(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
                          const ChannelSums& sums, const BnReluPoolOperands& op) {
  launch_channels<BnReluAveragePoolPass>(runtime, stream, "bn_relu_average_pool", type, where, sums,
                                         op);
}

}  // namespace preresnet::cuda
