// y = [ReLU](x [+ bias] [+ t(residual)]), t(residual) = [ReLU](scale residual + bias), subsampled
// and with zero channels appended where the shortcut is option A; sums of the stored y and y * y,
// or of x where there is no y. x, y: N K P Q, residual: N L I J, in the storage type; coefficients
// f32. Reads x and what it takes of residual once, writes y once.
#include <type_traits>

#include "cuda/kernels/channel_pass.h"
#include "cuda/kernels/residual_add.h"

namespace preresnet::cuda {
namespace {

/// What a launch does not need costs registers, and with them loads in flight.
enum class Work {
  all,
  sum,         // no bias, no transform of the residual
  statistics,  // sums of x, and nothing else
};

template <class T, bool kSums, Work kWork>
struct ResidualAddPass {
  static constexpr int kTerms = kSums ? 2 : 0;
  static constexpr int kRows = kWork == Work::statistics ? 4 : kWork == Work::sum ? 2 : 1;
  ResidualAddOperands op;
  unsigned channels;

  struct Nothing {};
  struct Vectors {
    float bias[8], scale[8], residual_bias[8];
  };
  using Coefficients = std::conditional_t<kWork == Work::all, Vectors, Nothing>;
  __device__ Coefficients load(unsigned group, unsigned channel) const {
    Coefficients to;
    if constexpr (kWork == Work::all) {
      load_vector(op.bias, group, channel, 0, to.bias);
      load_vector(op.residual_scale, group, channel, 1, to.scale);
      load_vector(op.residual_bias, group, channel, 0, to.residual_bias);
    }
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
  __device__ bool has_residual(unsigned channel) const {
    return kWork != Work::statistics && op.residual != nullptr && channel < op.residual_channels;
  }

  struct Raw {
    Eight<T> x, residual;
  };
  __device__ Raw fetch(unsigned row, unsigned channel) const {
    Raw raw;
    raw.x = fetch8(static_cast<const T*>(op.x) + static_cast<size_t>(row) * channels + channel);
    if (has_residual(channel)) {
      raw.residual =
          fetch8(static_cast<const T*>(op.residual) +
                 static_cast<size_t>(residual_row(row)) * op.residual_channels + channel);
    }
    return raw;
  }

  __device__ void row(const Coefficients& own, const Raw& raw, unsigned row, unsigned channel,
                      float (&terms)[kSums ? 2 : 1][8]) const {
    float values[8];
    to_floats(raw.x, values);
    if constexpr (kWork == Work::all) {
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) values[i] += own.bias[i];
    }
    if (has_residual(channel)) add_residual(own, raw.residual, values);
    if constexpr (kWork != Work::statistics) {
      if (op.relu) {
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) values[i] = relu(values[i]);
      }
      if (op.y != nullptr) {
        store8(static_cast<T*>(op.y) + static_cast<size_t>(row) * channels + channel, values);
      }
    }
    if constexpr (kSums) add_terms(terms, values, values);
  }

  __device__ void add_residual(const Coefficients& own, const Eight<T>& raw,
                               float (&values)[8]) const {
    float residual[8];
    to_floats(raw, residual);
    if constexpr (kWork == Work::all) {
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) {
        const float transformed = own.scale[i] * residual[i] + own.residual_bias[i];
        residual[i] = op.residual_relu ? relu(transformed) : transformed;
      }
    }
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) values[i] += residual[i];
  }
};

template <class T, bool kSums>
using All = ResidualAddPass<T, kSums, Work::all>;
template <class T, bool kSums>
using Sum = ResidualAddPass<T, kSums, Work::sum>;
template <class T, bool kSums>
using Statistics = ResidualAddPass<T, kSums, Work::statistics>;

Work work_of(const ResidualAddOperands& op) {
  const bool transforms =
      op.residual_scale.data != nullptr || op.residual_bias.data != nullptr || op.residual_relu;
  if (op.bias.data != nullptr || (op.residual != nullptr && transforms)) return Work::all;
  return op.residual == nullptr && op.y == nullptr && !op.relu ? Work::statistics : Work::sum;
}

}  // namespace

void residual_add(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
                  const ChannelSums& sums, const ResidualAddOperands& op) {
  switch (work_of(op)) {
    case Work::all:
      return launch_channels<All>(runtime, stream, "residual_add", type, where, sums, op);
    case Work::sum:
      return launch_channels<Sum>(runtime, stream, "residual_add", type, where, sums, op);
    case Work::statistics:
      return launch_channels<Statistics>(runtime, stream, "residual_add", type, where, sums, op);
  }
}

}  // namespace preresnet::cuda
