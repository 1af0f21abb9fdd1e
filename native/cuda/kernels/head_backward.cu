// dx = mask(t(x)) . dy / (H W). dy: N C f32, plain; x, dx: N C H W in the storage type; scale,
// bias: G C f32.
#include "cuda/kernels/channel_pass.h"
#include "cuda/kernels/head.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {
namespace {

template <class T, bool kSums>
struct HeadBackwardPass {
  static constexpr int kTerms = kSums ? 2 : 0;
  HeadBackwardOperands op;
  unsigned channels;  // padded

  struct Coefficients {
    float scale[8], bias[8];
  };
  __device__ Coefficients load(unsigned group, unsigned channel) const {
    Coefficients to;
    load_vector(op.scale, group, channel, 1, to.scale);
    load_vector(op.bias, group, channel, 0, to.bias);
    return to;
  }
  template <int kCount>
  __device__ void row(const Coefficients& own, unsigned row, unsigned channel,
                      float (&terms)[kCount][8]) const {
    const size_t at = static_cast<size_t>(row) * channels + channel;
    const float* dy = op.dy + static_cast<size_t>(row / op.pixels) * op.channels;
    float values[8], dx[8];
    load8(static_cast<const T*>(op.x) + at, values);
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) {
      const int c = static_cast<int>(channel) + i;
      const bool masked = op.relu && !(own.scale[i] * values[i] + own.bias[i] > 0);
      dx[i] = c < op.channels && !masked ? dy[c] / static_cast<float>(op.pixels) : 0.0f;
    }
    store8(static_cast<T*>(op.dx) + at, dx);
    if constexpr (kSums) {
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) {
        terms[0][i] += dx[i];
        terms[1][i] += dx[i] * values[i];
      }
    }
  }
};

}  // namespace

void head_backward(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
                   const ChannelSums& sums, const HeadBackwardOperands& op) {
  const unsigned channels = where.channels.channels;
  with_type(type, [&]<class T>(T) {
    if (sums.data != nullptr) {
      launch_channels(runtime, stream, "head_backward", where, sums,
                      HeadBackwardPass<T, true>{op, channels});
    } else {
      launch_channels(runtime, stream, "head_backward", where, sums,
                      HeadBackwardPass<T, false>{op, channels});
    }
  });
}

}  // namespace preresnet::cuda
