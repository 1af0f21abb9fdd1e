// dx = mask . (each dy given to the first maximum of its window). First every window says where its
// maximum lies, then every position of x looks at the windows that cover it, so that nothing is
// added in an order that changes. x, dx: N C H W, dy: N C P Q in the storage type; scale, bias: G C
// f32; winners: N P Q C, a byte each. Reads x, dy and winners from memory about once (windows
// overlap in caches), x once more where sums are taken.
#include "cuda/kernels/pool_window.h"

namespace preresnet::cuda {
namespace {

/// Of eight channels: row in the window times its width plus column, a byte each.
struct alignas(8) Winners {
  uint32_t words[2];

  __device__ __forceinline__ unsigned position(int i) const {
    return words[i / 4] >> i % 4 * 8 & 255;
  }
  __device__ __forceinline__ void set(int i, unsigned position) {
    words[i / 4] = (words[i / 4] & ~(255u << i % 4 * 8)) | position << i % 4 * 8;
  }
};
/// Of a window whose gradient nobody takes: its ReLU let nothing through.
constexpr unsigned kNobody = 255;

template <class T>
struct PoolWinnersPass {
  static constexpr int kTerms = 0;
  MaxPoolBackwardOperands op;
  unsigned channels;

  using Coefficients = Transform;
  __device__ Coefficients load(unsigned group, unsigned channel) const {
    return load_transform(op, group, channel, op.relu);
  }
  __device__ void row(const Coefficients& t, unsigned row, unsigned channel,
                      float (&)[1][8]) const {
    const PoolSizes& sizes = op.sizes;
    const PoolPosition at(sizes, row);
    const int top = at.p * sizes.stride - sizes.padding, left = at.q * sizes.stride - sizes.padding;
    float best[8] = {};
    Winners winners = {};
    first_maxima<T>(t, op.x, sizes, at, channels, channel, best, [&](int i, int h, int w) {
      winners.set(i, static_cast<unsigned>((h - top) * sizes.kernel + (w - left)));
    });
    PRERESNET_UNROLL
    for (int i = 0; i < 8; ++i) {
      if (t.relu && !(best[i] > 0)) winners.set(i, kNobody);
    }
    *reinterpret_cast<Winners*>(op.winners + static_cast<size_t>(row) * channels + channel) =
        winners;
  }
};

template <class T, bool kSums>
struct MaxPoolBackwardPass {
  static constexpr int kTerms = kSums ? 2 : 0;
  MaxPoolBackwardOperands op;
  unsigned channels;

  struct Coefficients {};
  __device__ Coefficients load(unsigned, unsigned) const { return {}; }

  template <int kCount>
  __device__ void row(const Coefficients&, unsigned row, unsigned channel,
                      float (&terms)[kCount][8]) const {
    const PoolSizes& sizes = op.sizes;
    const int w = static_cast<int>(row % sizes.width);
    const int h = static_cast<int>(row / sizes.width % sizes.height);
    const size_t image = row / sizes.width / sizes.height;
    const size_t outputs = image * sizes.out_height * sizes.out_width * channels + channel;
    const T* dy = static_cast<const T*>(op.dy) + outputs;
    const uint8_t* chosen = op.winners + outputs;
    const size_t at = static_cast<size_t>(row) * channels + channel;
    float dx[8] = {};

    // The windows over (h, w): p stride - padding <= h < p stride - padding + kernel.
    const int above = h + sizes.padding - sizes.kernel, before = w + sizes.padding - sizes.kernel;
    const int first_q = before < 0 ? 0 : before / sizes.stride + 1;
    for (int p = above < 0 ? 0 : above / sizes.stride + 1;
         p <= (h + sizes.padding) / sizes.stride && p < sizes.out_height; ++p) {
      const int line = (h - p * sizes.stride + sizes.padding) * sizes.kernel;
      for (int q = first_q; q <= (w + sizes.padding) / sizes.stride && q < sizes.out_width; ++q) {
        const auto position = static_cast<unsigned>(line + w - q * sizes.stride + sizes.padding);
        const size_t window = (static_cast<size_t>(p) * sizes.out_width + q) * channels;
        const Winners winners = *reinterpret_cast<const Winners*>(chosen + window);
        float gradients[8];
        load8(dy + window, gradients);
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) {
          if (winners.position(i) == position) dx[i] += gradients[i];
        }
      }
    }
    store8(static_cast<T*>(op.dx) + at, dx);
    if constexpr (kSums) {
      float values[8];
      load8(static_cast<const T*>(op.x) + at, values);
      add_terms(terms, dx, values);
    }
  }
};

}  // namespace

void max_pool_backward(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& windows,
                       const ChannelLaunch& pixels, const ChannelSums& sums,
                       const MaxPoolBackwardOperands& op) {
  with_type(type, [&]<class T>(T) {
    launch_channels(runtime, stream, "pool_winners", windows, {},
                    PoolWinnersPass<T>{op, windows.channels.channels});
  });
  launch_channels<MaxPoolBackwardPass>(runtime, stream, "max_pool_backward", type, pixels, sums,
                                       op);
}

}  // namespace preresnet::cuda
