// Convolutions of kernel 1 that do everything around them too, behind the same interface as
// oneDNN's kernels.
#include <algorithm>

#include "core/bf16.h"
#include "core/error.h"
#include "core/system.h"
#include "cpu/convolution.h"
#include "cpu/passes/one_by_one.h"
#include "cpu/passes/one_by_one_backward.h"

namespace preresnet::cpu {
namespace {

/// oneDNN multiplies matrices by AMX, which is many times faster than the instructions used here.
bool has_amx() {
  static const bool found = [] {
    const std::vector<std::string> sets = instruction_sets();
    return std::find(sets.begin(), sets.end(), "amx_bf16") != sets.end();
  }();
  return found;
}

class OneByOneConvolution final : public Convolution {
 public:
  OneByOneConvolution(const ConvolutionShape& shape, ConvolutionUse use)
      : use_(use), in_blocks_(shape.channels / 16), out_blocks_(shape.filters / 16) {}

  bool bf16_operands() const override { return true; }
  int64_t granule() const override { return 1; }
  size_t scratch_bytes() const override {
    return use_.forward ? passes::one_by_one_scratch(in_blocks_, out_blocks_)
                        : passes::one_by_one_backward_scratch(in_blocks_, out_blocks_);
  }

  size_t forward_weights_bytes() const override {
    return static_cast<size_t>(in_blocks_ * out_blocks_ * 256) * sizeof(uint16_t);
  }
  size_t backward_weights_bytes() const override { return forward_weights_bytes(); }
  int64_t forward_packing_slices() const override { return out_blocks_; }
  int64_t backward_packing_slices() const override { return in_blocks_; }
  /// [out blocks][in / 2][16 out][2]
  void pack_forward(int, int64_t slice, const float* plain, void* packed) const override {
    const int64_t channels = in_blocks_ * 16;
    pack(plain + slice * 16 * channels, channels, 1, channels,
         static_cast<uint16_t*>(packed) + slice * channels * 16);
  }
  /// [in blocks][out / 2][16 in][2]
  void pack_backward(int, int64_t slice, const float* plain, void* packed) const override {
    const int64_t filters = out_blocks_ * 16;
    pack(plain + slice * 16, 1, in_blocks_ * 16, filters,
         static_cast<uint16_t*>(packed) + slice * filters * 16);
  }
  /// [out blocks][in][16 out]
  int64_t gradient_elements() const override { return in_blocks_ * out_blocks_ * 256; }
  int64_t unpacking_slices() const override { return out_blocks_; }
  void unpack_gradient(int, int64_t slice, const float* gradient, float* plain) const override {
    const int64_t channels = in_blocks_ * 16;
    const float* from = gradient + slice * channels * 16;
    for (int64_t out = 0; out < 16; ++out) {
      float* to = plain + (slice * 16 + out) * channels;
      for (int64_t in = 0; in < channels; ++in) to[in] = from[in * 16 + out];
    }
  }

  bool fuses_all() const override { return true; }
  void fused_forward(const passes::TransformPass& x, const void* packed,
                     const passes::OutputPass& output, void* scratch) const override {
    passes::run(passes::OneByOnePass{.x = x,
                                     .weights = static_cast<const uint16_t*>(packed),
                                     .output = output,
                                     .scratch = static_cast<std::byte*>(scratch)});
  }
  void fused_backward(const passes::GradientPass& dy, const passes::TransformPass& x,
                      const void* packed, const passes::InputGradientPass& dx, float* gradient,
                      void* scratch) const override {
    passes::run(passes::OneByOneBackwardPass{.dy = dy,
                                             .x = x,
                                             .dx = dx,
                                             .weights = static_cast<const uint16_t*>(packed),
                                             .dw = gradient,
                                             .scratch = static_cast<std::byte*>(scratch)});
  }

  void forward(int, int64_t, const void*, const void*, float*, void*) const override { refuse(); }
  void backward_data(int, int64_t, const void*, const void*, float*, void*) const override {
    refuse();
  }
  void backward_weights(int, int64_t, const void*, const void*, float*, bool,
                        void*) const override {
    refuse();
  }

 private:
  /// Sixteen rows of one side, `row` apart, with all `count` of the other, `step` apart, in pairs.
  static void pack(const float* plain, int64_t row, int64_t step, int64_t count, uint16_t* to) {
    for (int64_t k = 0; k < count; k += 2, to += 32) {
      for (int64_t lane = 0; lane < 16; ++lane) {
        to[lane * 2] = to_bf16(plain[lane * row + k * step]);
        to[lane * 2 + 1] = to_bf16(plain[lane * row + (k + 1) * step]);
      }
    }
  }
  [[noreturn]] static void refuse() {
    throw Error("ERR_INTERNAL", "one_by_one: expected the fused functions alone to be used");
  }

  ConvolutionUse use_;
  int64_t in_blocks_, out_blocks_;
};

}  // namespace

std::unique_ptr<Convolution> make_one_by_one_convolution(const ConvolutionShape& shape,
                                                         ConvolutionUse use) {
  const bool fits = shape.kernel_height == 1 && shape.kernel_width == 1 && shape.stride == 1 &&
                    shape.padding == 0 && shape.planes == 0;
  // Backward it was measured to be the faster where channels become fewer; where they become more,
  // the many tensors at its output are read better one after another.
  const bool serves =
      use.forward || (use.backward_data && use.backward_weights && shape.filters <= shape.channels);
  if (!fits || !serves || has_amx() || !passes::has_one_by_one()) return nullptr;
  return std::make_unique<OneByOneConvolution>(shape, use);
}

}  // namespace preresnet::cpu
