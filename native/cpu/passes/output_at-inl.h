// What becomes of a convolution's result at one pixel, for code that makes pixels in an order of
// its own. Compiled once per instruction set, by whoever includes it after hwy/foreach_target.h.
#if defined(PRERESNET_CPU_PASSES_OUTPUT_AT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PRERESNET_CPU_PASSES_OUTPUT_AT_INL_H_
#undef PRERESNET_CPU_PASSES_OUTPUT_AT_INL_H_
#else
#define PRERESNET_CPU_PASSES_OUTPUT_AT_INL_H_
#endif

#include "cpu/passes/output.h"
#include "cpu/passes/steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

/// One block of channels of an image: an OutputPass without sums.
template <Kind kind>
struct OutputAt {
  Sixteen scale, bias;
  Transform t;
  Source residual;  // of this block; no data: none
  Destination y;
  bool rectify;

  /// image: counted from that of the pass.
  HWY_INLINE OutputAt(const OutputPass& pass, int64_t image, int64_t block)
      : scale(load_or(pass.scale, block * 16, 1)),
        bias(load_or(pass.bias, block * 16, 0)),
        t(transform_of(pass.residual_scale, pass.residual_bias, pass.residual_relu,
                       block < pass.residual_blocks ? block * 16 : 0)),
        rectify(pass.relu) {
    const int64_t pixels = pass.height * pass.width * 16;
    const int64_t residual_pixels = pass.residual_height * pass.residual_width * 16;
    y = advance(pass.y, (image * pass.blocks + block) * pixels);
    if (block >= pass.residual_blocks) return;
    residual = advance(pass.residual, (image * pass.residual_blocks + block) * residual_pixels);
  }

  /// residual_pixel: where the residual is read for this pixel.
  HWY_INLINE void operator()(const Sixteen& result, int64_t pixel, int64_t residual_pixel) const {
    Sixteen value = multiply_add(result, scale, bias);
    if (residual.data != nullptr) value = add(value, t(read<kind>(residual, residual_pixel * 16)));
    write<kind>(y, pixel * 16, rectify ? relu(value) : value);
  }
};

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
