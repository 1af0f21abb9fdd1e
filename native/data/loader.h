// Batches of images from a source of samples, made by worker threads in a ring of slots.
//
// What a batch holds is a function of the options and its index alone: neither the number of
// workers nor the order of the calls changes a byte. See data/order.h for the shuffle and
// data/ring.h for who may write a slot when.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "data/batch_cut.h"
#include "data/mix.h"
#include "data/sample_source.h"
#include "interfaces/batch_source.h"

namespace preresnet {

/// LoaderDescription of lib/native/types.ts.
struct LoaderOptions {
  enum class Mode : uint8_t {
    train,    // shuffled by (seed, epoch), the short last batch dropped, endless
    evaluate  // in order, the last batch padded with label -1 and zero pixels, one pass
  };

  std::vector<int32_t> labels;
  SampleShape shape;
  int64_t batch = 0;  // of this rank: a whole batch is that of all ranks
  int64_t rank = 0;
  int64_t ranks = 1;
  uint64_t first_sample = 0;
  Mode mode = Mode::train;
  /// What is no image does not end the run. In training its place holds the nearest good sample of
  /// the whole batch a second time, the one before where two are as near; in evaluation zeros that
  /// do not count.
  bool skip_corrupt = false;
  /// Fills what was released with a pattern that is no label.
  bool poison = false;
  uint64_t seed = 0;
  /// Training: each place draws a class, all alike, and one of its samples.
  bool balanced = false;
  /// Training: each sample comes so often in a row, over 1 / repeats of an epoch's order.
  int64_t repeats = 1;
  /// Of a batch of all ranks: equal runs of images. Partners of a mix are of one group, and copies
  /// of a sample are dealt out over them.
  int64_t groups = 1;
  MixRule mix;
  int64_t pad = 0;
  bool flip = false;
  int workers = 1;  // >= 1
  int slots = 2;    // >= 2: one to read, one to fill
};

/// Which samples a loader's batches have.
BatchCut cut_of(const LoaderOptions& options);

/// ERR_OPTION and ERR_DATASET, before a source is made: no samples, fewer than a batch in training,
/// numbers that are out of range.
void check_loader(const LoaderOptions& options);

/// Starts the workers; the source has one sample for each label. The result may be used from any
/// thread, and by several; destroying the last pointer joins the workers. Any batch index may be
/// acquired at any time; consecutive ones are made ahead. A batch with an image that cannot be
/// decoded throws ERR_IMAGE from acquire, the others are unharmed; with `skip_corrupt` only a batch
/// of no other images does in training. Every acquired batch must be released; `slots` may be held
/// at once.
std::shared_ptr<BatchSource> make_loader(LoaderOptions options,
                                         std::unique_ptr<SampleSource> source);

}  // namespace preresnet
