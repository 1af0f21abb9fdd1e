// y = [ReLU](scale x + bias). x, y: N C H W in the storage type; scale, bias: G C f32. An element
// is read once and written once.
#include "cuda/kernels/bn_relu.h"
#include "cuda/kernels/channel_pass.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {
namespace {

template <class T>
struct BnReluPass {
  static constexpr int kTerms = 0;
  BnReluOperands op;
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
                      float (&)[1][8]) const {
    const size_t at = static_cast<size_t>(row) * channels + channel;
    float values[8];
    load8(static_cast<const T*>(op.x) + at, values);
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) {
      values[i] = own.scale[i] * values[i] + own.bias[i];
      if (op.relu) values[i] = relu(values[i]);
    }
    store8(static_cast<T*>(op.y) + at, values);
  }
};

}  // namespace

void bn_relu(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
             const BnReluOperands& op) {
  with_type(type, [&]<class T>(T) {
    launch_channels(runtime, stream, "bn_relu", where, {},
                    BnReluPass<T>{op, where.channels.channels});
  });
}

}  // namespace preresnet::cuda
