// y = max over each window of t(x). x: N C H W, y: N C P Q in the storage type; scale, bias: G C
// f32. Rows are pixels of y; a window's values come from cache, its neighbors have read most.
#include "cuda/kernels/pool_window.h"

namespace preresnet::cuda {
namespace {

template <class T, bool kSums>
struct BnReluMaxPoolPass {
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
    float best[8] = {};
    first_maxima<T>(t, op.x, op.sizes, PoolPosition(op.sizes, row), channels, channel, best,
                    [](int, int, int) {});
    store8(static_cast<T*>(op.y) + static_cast<size_t>(row) * channels + channel, best);
    if constexpr (kSums) add_terms(terms, best, best);
  }
};

}  // namespace

void bn_relu_max_pool(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
                      const ChannelSums& sums, const BnReluPoolOperands& op) {
  launch_channels<BnReluMaxPoolPass>(runtime, stream, "bn_relu_max_pool", type, where, sums, op);
}

}  // namespace preresnet::cuda
