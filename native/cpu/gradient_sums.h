// Gradients of all ranks, added by a balanced binary tree over their numbers: each rank adds one
// part of a piece and hands the sum to all. So a rank sends as many bytes as in a ring, and the
// bits hang neither on the engine, nor on where the ranks are, nor on how gradients are cut.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/tensor.h"
#include "interfaces/communicator.h"

namespace preresnet::cpu {

/// Some segments of the row of all gradients, cut into pieces that are added one after another.
class GradientSums {
 public:
  struct Segment {
    int64_t offset, length;
  };
  GradientSums(const Tensor* gradients, std::vector<Segment> segments, int64_t ranks, bool fast);

  int64_t pieces() const { return static_cast<int64_t>(starts_.size()); }
  /// Of a piece, filled up with zeros so that every rank's part is equally long.
  size_t piece_bytes() const { return bytes(ranks_ * part_); }
  size_t waiting_bytes() const;

  void pack(int64_t piece, float* packed) const;
  void unpack(int64_t piece, const float* packed) const;
  /// In place; `theirs` is as large as a piece.
  void add(Communicator& ranks, int64_t piece, float* packed, float* theirs, float* waiting) const;

 private:
  /// Where in the segments a piece begins.
  struct Cursor {
    size_t segment;
    int64_t within;
  };

  static size_t bytes(int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); }
  int64_t count_of(int64_t piece) const;
  /// Calls work(gradients, place in the piece, length) for the runs of a piece.
  template <class Work>
  void each_run(int64_t piece, Work&& work) const;

  const Tensor* gradients_;
  std::vector<Segment> segments_;
  int64_t ranks_;
  bool fast_;
  int64_t elements_ = 0, part_ = 0;
  std::vector<Cursor> starts_;
};

}  // namespace preresnet::cpu
