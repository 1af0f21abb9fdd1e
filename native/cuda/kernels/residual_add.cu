// y = [ReLU](x [+ bias] [+ t(residual)]), t(residual) = [ReLU](scale residual + bias), subsampled
// and with zero channels appended where the shortcut is option A; sums of the stored y and y * y,
// or of x where there is no y. x, y: N K P Q, residual: N L I J, in the storage type; coefficients
// f32. Reads x and what it takes of residual once, writes y once.
#include "cuda/kernels/channel_pass.h"
#include "cuda/kernels/residual_add.h"

namespace preresnet::cuda {
namespace {

template <class T, bool kSums>
struct ResidualAddPass {
  static constexpr int kTerms = kSums ? 2 : 0;
  ResidualAddOperands op;
  unsigned channels;

  struct Coefficients {
    float bias[8], scale[8], residual_bias[8];
  };
  __device__ Coefficients load(unsigned group, unsigned channel) const {
    Coefficients to;
    load_vector(op.bias, group, channel, 0, to.bias);
    load_vector(op.residual_scale, group, channel, 1, to.scale);
    load_vector(op.residual_bias, group, channel, 0, to.residual_bias);
    return to;
  }

  /// Row of the residual that is added to this one.
  __device__ unsigned residual_row(unsigned row) const {
    if (op.subsample == 1) return row;
    const unsigned q = row % op.width;
    const unsigned p = row / op.width % op.height;
    const unsigned n = row / op.width / op.height;
    return (n * op.residual_height + p * op.subsample) * op.residual_width + q * op.subsample;
  }

  __device__ void row(const Coefficients& own, unsigned row, unsigned channel,
                      float (&terms)[kSums ? 2 : 1][8]) const {
    const size_t at = static_cast<size_t>(row) * channels + channel;
    float values[8];
    load8(static_cast<const T*>(op.x) + at, values);
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) values[i] += own.bias[i];
    if (op.residual != nullptr && channel < op.residual_channels) {
      float residual[8];
      load8(static_cast<const T*>(op.residual) +
                static_cast<size_t>(residual_row(row)) * op.residual_channels + channel,
            residual);
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) {
        const float transformed = own.scale[i] * residual[i] + own.residual_bias[i];
        values[i] += op.residual_relu ? relu(transformed) : transformed;
      }
    }
    if (op.relu) {
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) values[i] = relu(values[i]);
    }
    if (op.y != nullptr) store8(static_cast<T*>(op.y) + at, values);
    if constexpr (kSums) add_terms(terms, values, values);
  }
};

}  // namespace

void residual_add(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
                  const ChannelSums& sums, const ResidualAddOperands& op) {
  launch_channels<ResidualAddPass>(runtime, stream, "residual_add", type, where, sums, op);
}

}  // namespace preresnet::cuda
