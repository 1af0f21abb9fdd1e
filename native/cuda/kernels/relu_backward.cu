// dx = d [+ add], zero where mask is set and scale x + bias is not positive; sums of the stored dx
// and of dx * x. d, add, x, dx: N C H W in the storage type; scale, bias: G C f32. Reads each once,
// writes dx once.
#include "cuda/kernels/channel_pass.h"
#include "cuda/kernels/relu_backward.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {
namespace {

template <class T, bool kSums>
struct ReluBackwardPass {
  static constexpr int kTerms = kSums ? 2 : 0;
  ReluBackwardOperands op;
  unsigned channels;

  struct Coefficients {
    float scale[8], bias[8];
  };
  __device__ Coefficients load(unsigned group, unsigned channel) const {
    Coefficients to;
    load_vector(op.scale, group, channel, 1, to.scale);
    load_vector(op.bias, group, channel, 0, to.bias);
    return to;
  }
  __device__ void row(const Coefficients& own, unsigned row, unsigned channel,
                      float (&terms)[kSums ? 2 : 1][8]) const {
    const size_t at = static_cast<size_t>(row) * channels + channel;
    float gradient[8], x[8];
    load8(static_cast<const T*>(op.d) + at, gradient);
    if (op.mask || kSums) load8(static_cast<const T*>(op.x) + at, x);
    if (op.add != nullptr) {
      float add[8];
      load8(static_cast<const T*>(op.add) + at, add);
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) gradient[i] += add[i];
    }
    if (op.mask) {
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) {
        if (!(own.scale[i] * x[i] + own.bias[i] > 0)) gradient[i] = 0;
      }
    }
    store8(static_cast<T*>(op.dx) + at, gradient);
    if constexpr (kSums) {
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) {
        terms[0][i] += gradient[i];
        terms[1][i] += gradient[i] * x[i];
      }
    }
  }
};

}  // namespace

void relu_backward(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
                   const ChannelSums& sums, const ReluBackwardOperands& op) {
  with_type(type, [&]<class T>(T) {
    const unsigned channels = where.channels.channels;
    if (sums.data != nullptr) {
      launch_channels(runtime, stream, "relu_backward", where, sums,
                      ReluBackwardPass<T, true>{op, channels});
    } else {
      launch_channels(runtime, stream, "relu_backward", where, sums,
                      ReluBackwardPass<T, false>{op, channels});
    }
  });
}

}  // namespace preresnet::cuda
