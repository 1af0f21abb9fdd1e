// dx = a d + b x + c [+ skip]. d, x, skip, dx: N C H W in the storage type; a, b, c: G C f32. Reads
// each once, writes dx once.
#include "cuda/kernels/bn_apply_backward.h"
#include "cuda/kernels/channel_pass.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {
namespace {

template <class T>
struct BnApplyBackwardPass {
  static constexpr int kTerms = 0;
  BnApplyBackwardOperands op;
  unsigned channels;

  struct Coefficients {
    float a[8], b[8], c[8];
  };
  __device__ Coefficients load(unsigned group, unsigned channel) const {
    Coefficients to;
    load_vector(op.a, group, channel, 1, to.a);
    load_vector(op.b, group, channel, 0, to.b);
    load_vector(op.c, group, channel, 0, to.c);
    return to;
  }
  __device__ void row(const Coefficients& own, unsigned row, unsigned channel,
                      float (&)[1][8]) const {
    const size_t at = static_cast<size_t>(row) * channels + channel;
    float d[8], x[8];
    load8(static_cast<const T*>(op.d) + at, d);
    load8(static_cast<const T*>(op.x) + at, x);
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) d[i] = own.a[i] * d[i] + own.b[i] * x[i] + own.c[i];
    if (op.skip != nullptr) {
      float skip[8];
      load8(static_cast<const T*>(op.skip) + at, skip);
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) d[i] += skip[i];
    }
    store8(static_cast<T*>(op.dx) + at, d);
  }
};

}  // namespace

void bn_apply_backward(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
                       const BnApplyBackwardOperands& op) {
  with_type(type, [&]<class T>(T) {
    launch_channels(runtime, stream, "bn_apply_backward", where, {},
                    BnApplyBackwardPass<T>{op, where.channels.channels});
  });
}

}  // namespace preresnet::cuda
