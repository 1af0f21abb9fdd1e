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
  MaybeResidual<kind> residual;
  Destination y;
  bool rectify;

  /// image: counted from that of the pass.
  HWY_INLINE OutputAt(const OutputPass& pass, int64_t image, int64_t block)
      : scale(load_or(pass.scale, block * 16, 1)),
        bias(load_or(pass.bias, block * 16, 0)),
        residual{{},
                 transform_of(pass.residual_scale, pass.residual_bias, pass.residual_relu,
                              block < pass.residual_blocks ? block * 16 : 0)},
        y(advance(pass.y, (image * pass.blocks + block) * pass.height * pass.width * 16)),
        rectify(pass.relu) {
    if (block >= pass.residual_blocks) return;
    const int64_t pixels = pass.residual_height * pass.residual_width * 16;
    residual.source = advance(pass.residual, (image * pass.residual_blocks + block) * pixels);
  }

  /// residual_pixel: where the residual is read for this pixel.
  HWY_INLINE void operator()(const Sixteen& result, int64_t pixel, int64_t residual_pixel) const {
    write<kind>(y, pixel * 16, output_of(result, scale, bias, residual, residual_pixel, rectify));
  }
};

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
