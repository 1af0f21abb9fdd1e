#include "cpu/passes/output.h"

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/output.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/kinds-inl.h"
#include "cpu/passes/steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

struct NoResidual {
  HWY_INLINE Sixteen operator()(const Sixteen& value, int64_t) { return value; }
};

template <Kind kind>
struct SameElement {
  Source source;
  Transform t;
  int64_t begin;

  HWY_INLINE Sixteen operator()(const Sixteen& value, int64_t pixel) {
    return add(value, t(read<kind>(source, begin + pixel * 16)));
  }
};

/// Called for every pixel in order.
template <Kind kind>
struct Subsampled {
  Source source;
  Transform t;
  int64_t at;              // index of the next pixel's values
  int64_t step, row_step;  // to the next pixel; beyond that, at a row's end
  int64_t width, column;

  HWY_INLINE Sixteen operator()(const Sixteen& value, int64_t) {
    const Sixteen sum = add(value, t(read<kind>(source, at)));
    at += step;
    if (++column == width) {
      column = 0;
      at += row_step;
    }
    return sum;
  }
};

template <Kind kind, class Residual>
struct OutputStep {
  const float* result;
  Sixteen scale, bias;
  Residual residual;
  bool rectify;
  Destination y;
  int64_t begin;

  template <class Into>
  HWY_INLINE void operator()(int64_t pixel, Into& sums) {
    const Sixteen value =
        output_of(load(result + pixel * 16), scale, bias, residual, pixel, rectify);
    const Sixteen stored = write<kind>(y, begin + pixel * 16, value);
    sums.add(stored, stored);
  }
};

template <Kind kind, class Residual>
HWY_INLINE void output_block(const OutputPass& pass, int64_t block, Residual residual) {
  const int64_t pixels = pass.height * pass.width, begin = block * pixels * 16;
  const OutputStep<kind, Residual> step{pass.result + begin,
                                        load_or(pass.scale, block * 16, 1),
                                        load_or(pass.bias, block * 16, 0),
                                        residual,
                                        pass.relu,
                                        pass.y,
                                        begin};
  each_pixel(pixels, step, from_channel(pass.sums, block * 16),
             from_channel(pass.squares, block * 16));
}

template <Kind kind>
void output_as(const OutputPass& pass) {
  const int64_t residual_pixels = pass.residual_height * pass.residual_width;
  for (int64_t block = 0; block < pass.blocks; ++block) {
    if (pass.residual.data == nullptr || block >= pass.residual_blocks) {
      output_block<kind>(pass, block, NoResidual{});
      continue;
    }
    const Transform t =
        transform_of(pass.residual_scale, pass.residual_bias, pass.residual_relu, block * 16);
    const int64_t begin = block * residual_pixels * 16;
    if (pass.subsample == 1) {
      output_block<kind>(pass, block, SameElement<kind>{pass.residual, t, begin});
      continue;
    }
    const int64_t step = 16 * pass.subsample, row = 16 * pass.residual_width * pass.subsample;
    output_block<kind>(
        pass, block,
        Subsampled<kind>{pass.residual, t, begin, step, row - pass.width * step, pass.width, 0});
  }
}

void output(const OutputPass& pass) {
  with_kind([&](auto kind) { output_as<kind()>(pass); }, pass.residual, pass.y);
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(output);
void run(const OutputPass& pass) { HWY_DYNAMIC_DISPATCH(output)(pass); }
}  // namespace preresnet::cpu::passes
#endif
