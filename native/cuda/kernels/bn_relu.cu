// y = [ReLU](scale x + bias). x, y: N C H W in the storage type; scale, bias: G C f32. An element
// is read once and written once.
#include "cuda/kernels/bn_relu.h"
#include "cuda/kernels/transform.h"
#include "cuda/kernels/with_type.h"

namespace preresnet::cuda {
namespace {

template <class T>
struct BnReluPass {
  static constexpr int kTerms = 0;
  BnReluOperands op;
  unsigned channels;

  using Coefficients = Transform;
  __device__ Coefficients load(unsigned group, unsigned channel) const {
    return load_transform(op, group, channel, op.relu);
  }
  __device__ void row(const Transform& t, unsigned row, unsigned channel, float (&)[1][8]) const {
    const size_t at = static_cast<size_t>(row) * channels + channel;
    float values[8];
    load8(static_cast<const T*>(op.x) + at, values);
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) values[i] = t(i, values[i]);
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
