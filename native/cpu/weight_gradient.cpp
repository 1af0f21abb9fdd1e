#include "cpu/weight_gradient.h"

#include <algorithm>

#include "cpu/passes/vectors.h"

namespace preresnet::cpu {
namespace {

/// Added up block by block.
class SummedWeightGradient final : public WeightGradient {
 public:
  SummedWeightGradient(const BlockWeightGradient& algorithm, Context& context, ScratchPlan& plan)
      : algorithm_(algorithm), sums_(algorithm, context, plan) {}

  size_t scratch_bytes() const override { return algorithm_.scratch_bytes(); }
  void share_out(const Partition& partition, int64_t group, const Block& block) override {
    sums_.share_out(partition, group, block);
  }
  void add(int thread, Range images, bool first, const void* x, const void* dy,
           void* scratch) override {
    algorithm_.run(thread, images.end - images.begin, x, dy, sums_.partial(thread), !first,
                   scratch);
  }
  void write(const PaddedWeights& dw) override { sums_.write(dw); }

 private:
  const BlockWeightGradient& algorithm_;
  SlotSums sums_;
};

/// Made at the end, from the operands of all images of a group.
class WeightGradientAtTheEnd final : public WeightGradient {
 public:
  WeightGradientAtTheEnd(const CollectedWeightGradient& algorithm, Context& context,
                         ScratchPlan& plan)
      : algorithm_(algorithm),
        context_(context),
        collected_(plan.shared(algorithm.collected_bytes())),
        slice_scratch_(plan.thread(algorithm.scratch_bytes())) {}

  size_t scratch_bytes() const override { return 0; }
  void share_out(const Partition& partition, int64_t group, const Block& block) override {
    const Range all = partition.group(group);
    first_ = all.begin;
    context_.pool.run(partition.blocks(all), [&](int thread, int64_t index) {
      block(thread, partition.block(all, index), true);
    });
  }
  void add(int, Range images, bool, const void* x, const void* dy, void*) override {
    algorithm_.collect(images.begin - first_, images.end - images.begin, x, dy, collected());
  }
  void write(const PaddedWeights& dw) override {
    const Scratch& scratch = context_.scratch;
    context_.pool.run(algorithm_.slices(), [&](int thread, int64_t slice) {
      algorithm_.make_slice(slice, collected(), dw.data(scratch),
                            scratch.at<void>(slice_scratch_, thread));
    });
    dw.extract(scratch);
  }

 private:
  float* collected() const { return context_.scratch.at<float>(collected_); }

  const CollectedWeightGradient& algorithm_;
  Context& context_;
  SharedRange collected_;
  ThreadRange slice_scratch_;
  int64_t first_ = 0;  // image of the group
};

}  // namespace

SlotSums::SlotSums(const GradientPacking& packing, Context& context, ScratchPlan& plan)
    : packing_(packing), context_(context) {
  const auto bytes = static_cast<size_t>(packing.gradient_elements()) * sizeof(float);
  partial_ = plan.thread(bytes);
  total_ = plan.shared(bytes);
}

void SlotSums::add_slot(int64_t slot, const float* partial) const {
  float* total = context_.scratch.at<float>(total_);
  const int64_t elements = packing_.gradient_elements();
  if (slot == 0) {
    std::copy_n(partial, elements, total);
  } else {
    passes::add(total, partial, elements);
  }
}

void SlotSums::write(const PaddedWeights& dw) const {
  const Scratch& scratch = context_.scratch;
  context_.pool.run(packing_.unpacking_slices(), [&](int thread, int64_t slice) {
    packing_.unpack(thread, slice, scratch.at<float>(total_), dw.data(scratch));
  });
  dw.extract(scratch);
}

std::unique_ptr<WeightGradient> make_weight_gradient(const BlockBackward& algorithm,
                                                     Context& context, ScratchPlan& plan) {
  if (const auto* summed = std::get_if<1>(&algorithm.weights)) {
    return std::make_unique<SummedWeightGradient>(**summed, context, plan);
  }
  if (const auto* collected = std::get_if<2>(&algorithm.weights)) {
    return std::make_unique<WeightGradientAtTheEnd>(**collected, context, plan);
  }
  return nullptr;
}

}  // namespace preresnet::cpu
