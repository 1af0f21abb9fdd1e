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

  static constexpr int kRows = 1;
  struct Raw {
    Eight<T> d, x, add;
  };
  __device__ Raw fetch(unsigned row, unsigned channel) const {
    const size_t at = static_cast<size_t>(row) * channels + channel;
    Raw raw;
    raw.d = fetch8(static_cast<const T*>(op.d) + at);
    if (op.mask || kSums) raw.x = fetch8(static_cast<const T*>(op.x) + at);
    if (op.add != nullptr) raw.add = fetch8(static_cast<const T*>(op.add) + at);
    return raw;
  }

  __device__ void row(const Transform& t, const Raw& raw, unsigned row, unsigned channel,
                      float (&terms)[kSums ? 2 : 1][8]) const {
    const size_t at = static_cast<size_t>(row) * channels + channel;
    float gradient[8], x[8] = {};
    to_floats(raw.d, gradient);
    if (t.relu || kSums) to_floats(raw.x, x);
    if (op.add != nullptr) {
      float add[8];
      to_floats(raw.add, add);
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
