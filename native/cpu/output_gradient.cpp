#include "cpu/output_gradient.h"

namespace preresnet::cpu {

OutputGradient::OutputGradient(const ops::ConvBackward& op, int64_t images, ScratchPlan& plan)
    : d_(activation("conv_backward.d", op.d)),
      y_(activation("conv_backward.y", op.y)),
      skip_(activation("conv_backward.skip", op.skip)),
      stored_(activation("conv_backward.dy", op.dy)),
      a_("conv_backward.dA", op.dA, images, plan),
      b_("conv_backward.dB", op.dB, images, plan),
      c_("conv_backward.dC", op.dC, images, plan),
      dbias_("conv_backward.dbias", op.dbias, images, d_.channels, 1, plan, op.groups) {}

bool OutputGradient::fits_fused() const { return !dbias_ && all_bf16({d_, y_, skip_, stored_}); }

void OutputGradient::load(const Scratch& scratch) {
  for (Coefficients* row : {&a_, &b_, &c_}) row->load(scratch);
  dbias_.bind(scratch);
}

passes::GradientPass OutputGradient::start(int64_t image, Destination scratch) const {
  dbias_.clear(image);
  return {
      .d = d_.source(image),
      .y = y_.source(image),
      .skip = skip_.source(image),
      .a = a_.row(image),
      .b = b_.row(image),
      .c = c_.row(image),
      .stored = stored_.target(image),
      .scratch = scratch,
      .blocks = d_.blocks(),
      .pixels = d_.pixels(),
      .sums = dbias_.of(image, 0),
  };
}

BlockOutputGradient::BlockOutputGradient(const OutputGradient& gradient, bool bf16, int64_t images,
                                         ScratchPlan& plan)
    : gradient_(gradient), bf16_(bf16) {
  const bool composed = gradient.composed();
  // What is stored in the type that is multiplied need not stand in scratch too.
  if (gradient.stored_ && gradient.stored_.bf16 == bf16) {
    memory_ = Memory::stored;
  } else if (composed || gradient.d_.bf16 != bf16) {
    memory_ = Memory::scratch;
    range_ = plan.thread(storage_bytes(images * gradient.d_.image_elements(), bf16));
  } else {
    memory_ = Memory::d;
  }
  passes_ = memory_ != Memory::d || gradient.dbias_;
}

const void* BlockOutputGradient::of(const Scratch& scratch, int thread, Range images) const {
  const Activation& d = gradient_.d_;
  Destination gathered;
  if (memory_ == Memory::scratch) gathered = {scratch.at<void>(range_, thread), bf16_};
  for (int64_t image = images.begin; passes_ && image < images.end; ++image) {
    const int64_t offset = (image - images.begin) * d.image_elements();
    passes::run(gradient_.start(image, advance(gathered, offset)));
  }
  if (memory_ == Memory::scratch) return gathered.data;
  if (memory_ == Memory::stored) return gradient_.stored_.target(images.begin).data;
  return d.source(images.begin).data;
}

}  // namespace preresnet::cpu
