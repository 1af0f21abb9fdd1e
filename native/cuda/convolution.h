// Seam 2 of 3: convolutions, one class a direction and one flag a fused part, so that cudnn/ and
// the plain loops of emulation/ keep the same contract: the same operands, the same stored types,
// the same rounding points.
//
// Feature maps are NHWC and weights KRSC, channels padded to a multiple of 8 with zeros; sizes
// below are padded ones. Vectors have one value a padded channel. Accumulation is fp32.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cuda/runtime.h"

namespace preresnet::cuda {

enum class Type : uint8_t { f32, bf16, f16 };

/// Whose kernels: gpu.md's tiers P, F and R; the values of attribute `tier`.
enum class Tier : uint8_t { plain = 0, precompiled = 1, runtime_compiled = 2 };

struct ConvolutionShape {
  int64_t images = 0;  // of one group
  int64_t in_channels = 0, height = 0, width = 0;
  int64_t out_channels = 0, out_height = 0, out_width = 0;
  int64_t kernel_height = 0, kernel_width = 0;
  int64_t stride = 1, padding = 0;
  auto operator<=>(const ConvolutionShape&) const = default;
};

struct ConvolutionChoice {
  Type type = Type::f32;
  bool tf32 = false;  // f32 only: tensor cores that round operands to tf32
  Tier tier = Tier::plain;
  int engine = -1;  // which of the engines that the rest of this allows; -1: the first that builds
  bool deterministic = false;
  size_t workspace_limit = 0;  // bytes; 0: none
  auto operator<=>(const ConvolutionChoice&) const = default;
};

class Convolution {
 public:
  virtual ~Convolution() = default;
  virtual size_t workspace_bytes() const = 0;
  /// How many engines could be chosen from; for the tuner.
  virtual int engines() const = 0;
};

/// y = conv(t(x), w) [+ residual], t(x) = relu(scale x + bias) rounded to the stored type; sums of
/// y and y * y before it is rounded.
class ConvolutionForward : public Convolution {
 public:
  struct Fusion {
    bool transform = false, residual = false, sums = false;
    auto operator<=>(const Fusion&) const = default;
  };
  struct Operands {
    const void* x;
    const void* scale;  // storage type, in tier R too
    const void* bias;
    const void* w;
    const void* residual;
    void* y;
    float* sum;
    float* square_sum;
    void* workspace;
  };
  virtual void enqueue(Runtime&, Stream, const Operands&) const = 0;
};

/// dx = conv transposed(dy, w) [+ add], then with `mask` zero where scale x + bias <= 0 and
///  * `sums`: sum of dx and of dx * x (tier R; zeroed by enqueue), or
///  * `norm`: dweight, dbeta and a, b, c of bn_backward (tier F).
class ConvolutionBackwardData : public Convolution {
 public:
  struct Fusion {
    bool add = false, mask = false, sums = false, norm = false;
    auto operator<=>(const Fusion&) const = default;
  };
  struct Operands {
    const void* dy;
    const void* w;
    const void* add;
    const void* x;
    const float* scale;  // sums: scale and bias of t
    const float* bias;
    const float* mean;  // norm: of x, with weight and beta
    const float* invstd;
    const float* weight;
    const float* beta;
    void* dx;
    float* sum;
    float* product_sum;
    float* dweight;
    float* dbeta;
    float* a;
    float* b;
    float* c;
    void* workspace;
  };
  virtual void enqueue(Runtime&, Stream, const Operands&) const = 0;
};

/// dw = dy * t(x), overwritten, in the stored type.
class ConvolutionBackwardWeights : public Convolution {
 public:
  struct Fusion {
    bool transform = false;
    auto operator<=>(const Fusion&) const = default;
  };
  struct Operands {
    const void* dy;
    const void* x;
    const void* scale;
    const void* bias;
    void* dw;
    void* workspace;
  };
  virtual void enqueue(Runtime&, Stream, const Operands&) const = 0;
};

/// Makes convolutions; equal ones are shared. ERR_UNSUPPORTED where a pattern has no engine.
class Convolutions {
 public:
  virtual ~Convolutions() = default;
  virtual std::shared_ptr<const ConvolutionForward> forward(const ConvolutionShape&,
                                                            const ConvolutionChoice&,
                                                            ConvolutionForward::Fusion) = 0;
  virtual std::shared_ptr<const ConvolutionBackwardData> backward_data(
      const ConvolutionShape&, const ConvolutionChoice&, ConvolutionBackwardData::Fusion) = 0;
  virtual std::shared_ptr<const ConvolutionBackwardWeights> backward_weights(
      const ConvolutionShape&, const ConvolutionChoice&, ConvolutionBackwardWeights::Fusion) = 0;
};

/// Each library has one of them: cudnn/ or emulation/.
std::unique_ptr<Convolutions> make_convolutions(Runtime&);

}  // namespace preresnet::cuda
