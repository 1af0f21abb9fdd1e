#include "cpu/gradient_sums.h"

#include <algorithm>
#include <utility>

#include "cpu/tree_rows.h"

namespace preresnet::cpu {

namespace {

/// Elements of a piece, of all ranks' parts together: large enough that its latency does not show,
/// small enough for a cache.
constexpr int64_t kPiece = int64_t{1} << 18;
/// A part is a whole number of cache lines.
constexpr int64_t kLine = 16;

}  // namespace

GradientSums::GradientSums(const Tensor* gradients, std::vector<Segment> segments, int64_t ranks,
                           bool fast)
    : gradients_(gradients), segments_(std::move(segments)), ranks_(ranks), fast_(fast) {
  for (const Segment& segment : segments_) elements_ += segment.length;
  const int64_t piece = std::min(elements_, kPiece);
  part_ = (piece + ranks * kLine - 1) / (ranks * kLine) * kLine;
  Cursor cursor{0, 0};
  for (int64_t done = 0; done < elements_; done += ranks_ * part_) {
    starts_.push_back(cursor);
    for (int64_t left = ranks_ * part_; left > 0 && cursor.segment < segments_.size();) {
      const int64_t length = std::min(left, segments_[cursor.segment].length - cursor.within);
      left -= length;
      cursor.within += length;
      if (cursor.within == segments_[cursor.segment].length) cursor = {cursor.segment + 1, 0};
    }
  }
}

size_t GradientSums::waiting_bytes() const { return bytes(tree_levels(ranks_) * part_); }

int64_t GradientSums::count_of(int64_t piece) const {
  return std::min(ranks_ * part_, elements_ - piece * ranks_ * part_);
}

template <class Work>
void GradientSums::each_run(int64_t piece, Work&& work) const {
  auto [segment, within] = starts_[static_cast<size_t>(piece)];
  const int64_t count = count_of(piece);
  for (int64_t at = 0; at < count; ++segment, within = 0) {
    const int64_t length = std::min(segments_[segment].length - within, count - at);
    work(gradients_->as<float>() + segments_[segment].offset + within, at, length);
    at += length;
  }
}

void GradientSums::pack(int64_t piece, float* packed) const {
  each_run(piece, [&](const float* gradients, int64_t at, int64_t length) {
    std::copy_n(gradients, length, packed + at);
  });
  std::fill(packed + count_of(piece), packed + ranks_ * part_, 0.0f);
}

void GradientSums::unpack(int64_t piece, const float* packed) const {
  each_run(piece, [&](float* gradients, int64_t at, int64_t length) {
    std::copy_n(packed + at, length, gradients);
  });
}

void GradientSums::add(Communicator& ranks, int64_t piece, float* packed, float* theirs,
                       float* waiting) const {
  if (fast_) return ranks.add_up(packed, static_cast<size_t>(count_of(piece)));
  ranks.all_to_all(packed, theirs, bytes(part_));
  for (int64_t rank = 0; rank < ranks_; ++rank) {
    add_row_to_tree(rank, ranks_, theirs + rank * part_, part_, waiting, part_);
  }
  ranks.all_gather(theirs + (ranks_ - 1) * part_, packed, bytes(part_));
}

}  // namespace preresnet::cpu
