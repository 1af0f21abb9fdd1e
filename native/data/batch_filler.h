// What stands in a batch, and how it gets there. Knows nothing of the ring.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/batch_cut.h"
#include "data/epoch_orders.h"
#include "data/loader.h"
#include "data/random_crops.h"
#include "data/sample_source.h"

namespace preresnet {

/// Memory of one batch. Workers fill ranges of places at once, so each place has entries of its
/// own.
struct BatchSlot {
  std::shared_ptr<uint8_t> images;
  std::vector<uint8_t> copied;                          // whether an image is there
  std::vector<int32_t> indices;                         // in the source, -1: none
  std::vector<int32_t> labels;                          // -1: does not count
  std::vector<int32_t> crops;                           // 3 a place
  std::vector<int32_t> mixes;                           // 6 a place, or none
  std::vector<std::unique_ptr<CorruptSample>> corrupt;  // what was left out at a place
};

class BatchFiller {
 public:
  BatchFiller(const LoaderOptions& options, const SampleSource& source);

  BatchSlot make_slot() const;
  /// Places `first` to `last` of a batch; `position` is the one that it is at. Throws what the
  /// source does. `pixels`: else images of a set are left where they are, until `copy_pixels`.
  void fill(Desk& desk, BatchSlot& slot, uint64_t batch, int64_t first, int64_t last, bool pixels,
            int64_t* position);
  /// Of a set in memory, unless they are there already.
  void copy_pixels(BatchSlot& slot) const;
  void poison(BatchSlot& slot) const;

 private:
  class Row;

  /// Of places `first` to `last` of this rank, as far as the batch reaches.
  static std::vector<uint64_t> samples_at(const Row& row, const BatchCut::Range& range,
                                          int64_t first, int64_t last);
  void fill_one(Desk& desk, BatchSlot& slot, int64_t i, const Row& row, uint64_t at,
                const BatchCut::Range& range) const;
  bool replace(Desk& desk, BatchSlot& slot, int64_t i, const Row& row, uint64_t at,
               const BatchCut::Range& range) const;
  void put(Desk& desk, BatchSlot& slot, int64_t i, const Draw& draw) const;
  void put_nothing(BatchSlot& slot, int64_t i) const;
  void put_crop(BatchSlot& slot, int64_t i, const Crop& crop) const;
  void put_mixes(BatchSlot& slot, int64_t first, int64_t last, const BatchCut::Range& range) const;
  uint8_t* pixels_of(const BatchSlot& slot, int64_t i) const;
  /// Images of a group.
  uint64_t group() const { return cut_.whole() / static_cast<uint64_t>(options_.groups); }
  bool training() const { return options_.mode == LoaderOptions::Mode::train; }

  const LoaderOptions& options_;
  const SampleSource& source_;
  const SampleSet set_;
  const int64_t image_bytes_;
  const BatchCut cut_;
  EpochOrders orders_;
};

}  // namespace preresnet
