// dx = mask(t(x)) . dy / (H W). dy: N C f32, plain; x, dx: N C H W in the storage type; scale,
// bias: G C f32.
#include "cuda/kernels/global_average_pool.h"
#include "cuda/kernels/transform.h"

namespace preresnet::cuda {
namespace {

template <class T, bool kSums>
struct GlobalAveragePoolBackwardPass {
  static constexpr int kTerms = kSums ? 2 : 0;
  GlobalAveragePoolBackwardOperands op;
  unsigned channels;  // padded

  using Coefficients = Transform;
  __device__ Coefficients load(unsigned group, unsigned channel) const {
    return load_transform(op, group, channel, op.relu);
  }
  template <int kCount>
  __device__ void row(const Transform& t, unsigned row, unsigned channel,
                      float (&terms)[kCount][8]) const {
    const size_t at = static_cast<size_t>(row) * channels + channel;
    const float* dy = op.dy + static_cast<size_t>(row / op.pixels) * op.channels;
    float values[8], dx[8];
    load8(static_cast<const T*>(op.x) + at, values);
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) {
      const int c = static_cast<int>(channel) + i;
      const bool masked = t.relu && !(t.inner(i, values[i]) > 0);
      dx[i] = c < op.channels && !masked ? dy[c] / static_cast<float>(op.pixels) : 0.0f;
    }
    store8(static_cast<T*>(op.dx) + at, dx);
    if constexpr (kSums) add_terms(terms, dx, values);
  }
};

}  // namespace

void global_average_pool_backward(Runtime& runtime, Stream stream, Type type,
                                  const ChannelLaunch& where, const ChannelSums& sums,
                                  const GlobalAveragePoolBackwardOperands& op) {
  launch_channels<GlobalAveragePoolBackwardPass>(runtime, stream, "global_average_pool_backward",
                                                 type, where, sums, op);
}

}  // namespace preresnet::cuda
