// y = max over each window of t(x). x: N C H W, y: N C P Q in the storage type; scale, bias: G C
// f32. Rows are places of y; a window's values come from cache, its neighbours have read most.
#include "cuda/kernels/pool_window.h"

namespace preresnet::cuda {
namespace {

template <class T, bool kSums>
struct BnReluPoolPass {
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
    const int q = static_cast<int>(row % sizes.out_width);
    const int p = static_cast<int>(row / sizes.out_width % sizes.out_height);
    const size_t image = row / sizes.out_width / sizes.out_height;
    const T* x =
        static_cast<const T*>(op.x) + image * sizes.height * sizes.width * channels + channel;
    const PoolWindow window(sizes, p, q);
    float best[8] = {};
    bool first = true;
    for (int h = window.top; h < window.bottom; ++h) {
      for (int w = window.left; w < window.right; ++w) {
        float values[8];
        load8(x + (static_cast<size_t>(h) * sizes.width + w) * channels, values);
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) {
          const float value = t(i, values[i]);
          if (first || replaces(value, best[i])) best[i] = value;
        }
        first = false;
      }
    }
    store8(static_cast<T*>(op.y) + static_cast<size_t>(row) * channels + channel, best);
    if constexpr (kSums) add_terms(terms, best, best);
  }
};

}  // namespace

void bn_relu_pool(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
                  const ChannelSums& sums, const BnReluPoolOperands& op) {
  launch_channels<BnReluPoolPass>(runtime, stream, "bn_relu_pool", type, where, sums, op);
}

}  // namespace preresnet::cuda
