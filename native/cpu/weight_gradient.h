// How the weight gradient of a group of images comes about from its blocks.
#pragma once
#include <functional>
#include <memory>

#include "cpu/algorithms.h"
#include "cpu/context.h"
#include "cpu/conv_weights.h"
#include "cpu/partition.h"

namespace preresnet::cpu {

/// Sums of at most sixteen slots of images, added up in the order of the slots: the same bits for
/// any number of threads.
class SlotSums {
 public:
  /// packing: outlives this.
  SlotSums(const GradientPacking& packing, Context& context, ScratchPlan& plan);

  /// Calls block(thread, images, first) for all blocks of a group's images. It adds the gradient of
  /// its images to partial(thread), or sets that to it where they are the `first` of a slot.
  template <class Block>
  void share_out(const Partition& partition, int64_t group, Block&& block) {
    slots_done_.restart();
    context_.pool.run(partition.slots(), [&](int thread, int64_t slot) {
      const Turn turn{slots_done_, slot};
      const Range images = partition.slot(group, slot);
      for (int64_t index = 0; index < partition.blocks(images); ++index) {
        block(thread, partition.block(images, index), index == 0);
      }
      slots_done_.await(slot);
      add_slot(slot, partial(thread));
    });
  }
  float* partial(int thread) const { return context_.scratch.at<float>(partial_, thread); }
  /// The total as plain weights.
  void write(const PaddedWeights& dw) const;

 private:
  /// Passes its turn on, also when a block throws: others wait.
  struct Turn {
    Sequence& sequence;
    int64_t slot;
    ~Turn() {
      sequence.await(slot);
      sequence.pass(slot);
    }
  };
  void add_slot(int64_t slot, const float* partial) const;

  const GradientPacking& packing_;
  Context& context_;
  ThreadRange partial_;
  SharedRange total_;
  Sequence slots_done_;
};

class WeightGradient {
 public:
  using Block = std::function<void(int thread, Range images, bool first)>;

  virtual ~WeightGradient() = default;
  /// What add() needs of a thread's scratch.
  virtual size_t scratch_bytes() const = 0;
  /// Calls block(thread, images, first) for all blocks of a group's images, each of which calls
  /// add().
  virtual void share_out(const Partition& partition, int64_t group, const Block& block) = 0;
  /// x, dy: the operands of the block.
  virtual void add(int thread, Range images, bool first, const void* x, const void* dy,
                   void* scratch) = 0;
  /// After share_out(): the total as plain weights.
  virtual void write(const PaddedWeights& dw) = 0;
};

/// algorithm: outlives the result. Null where no weight gradient is wanted.
std::unique_ptr<WeightGradient> make_weight_gradient(const BlockBackward& algorithm,
                                                     Context& context, ScratchPlan& plan);

}  // namespace preresnet::cpu
