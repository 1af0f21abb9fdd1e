// Which places of the endless row of samples a batch has, and which of them one of several ranks
// takes: a function of these numbers and of nothing else. lib/runtime/evaluation_parts.ts puts the
// parts of an evaluation together by the same rule.
#pragma once
#include <cstdint>

namespace preresnet {

/// Training goes on for ever, over the whole batches of each epoch; an evaluation ends with the
/// samples.
struct BatchCut {
  uint64_t samples = 0;
  uint64_t batch = 0;  // of this rank
  uint64_t rank = 0;
  uint64_t ranks = 1;
  uint64_t first_sample = 0;  // moves all batches, by what it is beyond a multiple of a whole batch
  bool training = false;

  /// Places of the batch of all ranks, and of this one among them.
  struct Range {
    uint64_t first = 0;  // in the row of samples
    uint64_t size = 0;   // of all ranks
    uint64_t begin = 0;  // of this rank, from `first` on
    uint64_t end = 0;    // one past its last
  };

  uint64_t whole() const { return batch * ranks; }
  /// Samples of an epoch that are trained on.
  uint64_t used() const { return samples / whole() * whole(); }
  /// Batches of an evaluation.
  uint64_t batches() const { return (samples - shift() + whole() - 1) / whole(); }
  Range range(uint64_t index) const {
    const uint64_t first = index * whole() + shift();
    const uint64_t left = training ? whole() : samples - first;
    const uint64_t size = left < whole() ? left : whole();
    return {first, size, rank * size / ranks, (rank + 1) * size / ranks};
  }

 private:
  uint64_t shift() const { return first_sample % whole(); }
};

}  // namespace preresnet
