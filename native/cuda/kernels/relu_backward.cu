// dx = d [+ add], zero where mask is set and scale x + bias is not positive; sums of the stored dx
// and of dx * x. d, add, x, dx: N C H W in the storage type; scale, bias: G C f32. Reads each once,
// writes dx once.
#include "cuda/kernels/relu_backward.h"
#include "cuda/kernels/transform.h"

namespace preresnet::cuda {
namespace {

template <class T, bool kSums>
struct ReluBackwardPass {
  static constexpr int kTerms = kSums ? 2 : 0;
  ReluBackwardOperands op;
  unsigned channels;

  using Coefficients = Transform;
  __device__ Coefficients load(unsigned group, unsigned channel) const {
    return load_transform(op, group, channel, op.mask);
  }
  __device__ void row(const Transform& t, unsigned row, unsigned channel,
                      float (&terms)[kSums ? 2 : 1][8]) const {
    const size_t at = static_cast<size_t>(row) * channels + channel;
    float gradient[8], x[8] = {};
    load8(static_cast<const T*>(op.d) + at, gradient);
    if (t.relu || kSums) load8(static_cast<const T*>(op.x) + at, x);
    if (op.add != nullptr) {
      float add[8];
      load8(static_cast<const T*>(op.add) + at, add);
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) gradient[i] += add[i];
    }
    if (t.relu) {
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) {
        if (!(t.inner(i, x[i]) > 0)) gradient[i] = 0;
      }
    }
    store8(static_cast<T*>(op.dx) + at, gradient);
    if constexpr (kSums) add_terms(terms, gradient, x);
  }
};

}  // namespace

void relu_backward(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
                   const ChannelSums& sums, const ReluBackwardOperands& op) {
  launch_channels<ReluBackwardPass>(runtime, stream, "relu_backward", type, where, sums, op);
}

}  // namespace preresnet::cuda
