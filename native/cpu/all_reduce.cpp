// Gradients of all ranks, added by a balanced binary tree over their numbers: each rank adds one
// part of a bucket and hands the sum to all. So a rank sends as many bytes as in a ring, and the
// bits hang neither on the engine nor on where the ranks are.
#include <algorithm>
#include <cstring>
#include <vector>

#include "core/error.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/tree_rows.h"
#include "interfaces/communicator.h"

namespace preresnet::cpu {
namespace {

/// Elements of a bucket, of all ranks' parts together: large enough that its latency does not
/// show, small enough for a cache.
constexpr int64_t kBucket = int64_t{1} << 18;
/// A part is a whole number of cache lines.
constexpr int64_t kLine = 16;

class AllReduceOperation final : public Operation {
 public:
  AllReduceOperation(const ops::AllReduce& op, Context& context) : op_(op), context_(context) {
    expect_plain("all_reduce.gradients", op.gradients, DType::f32);
    expect_plain("all_reduce.metrics", op.metrics, DType::f64);
    for (const int64_t length : op.lengths) elements_ += length;
    const int64_t bucket = std::min(elements_, kBucket);
    part_ = (bucket + op.ranks * kLine - 1) / (op.ranks * kLine) * kLine;
    const auto floats = [](int64_t count) { return static_cast<size_t>(count) * sizeof(float); };
    ScratchPlan plan(context.scratch);
    packed_ = plan.shared(floats(op.ranks * part_));
    theirs_ = plan.shared(floats(op.ranks * part_));
    waiting_ = plan.shared(floats(tree_levels(op.ranks) * part_));
  }

  void run(const Step& step) override {
    Communicator& ranks = *step.ranks;
    Cursor from, to;
    for (int64_t done = 0; done < elements_; done += op_.ranks * part_) {
      const int64_t count = std::min(op_.ranks * part_, elements_ - done);
      float* packed = context_.scratch.at<float>(packed_);
      move(from, count, [&](float* gradients, int64_t at, int64_t length) {
        std::copy_n(gradients, length, packed + at);
      });
      std::fill(packed + count, packed + op_.ranks * part_, 0.0f);
      if (op_.fast) {
        ranks.add_up(packed, static_cast<size_t>(count));
      } else {
        add(ranks, packed);
      }
      move(to, count, [&](float* gradients, int64_t at, int64_t length) {
        std::copy_n(packed + at, length, gradients);
      });
    }
    if (op_.metrics != nullptr) add_metrics(ranks);
  }

 private:
  /// Where in the segments a pass over them stands.
  struct Cursor {
    size_t segment = 0;
    int64_t within = 0;
  };

  /// Calls work(gradients, place in the bucket, length) for the next `count` elements.
  template <class Work>
  void move(Cursor& cursor, int64_t count, Work&& work) const {
    for (int64_t at = 0; at < count;) {
      const int64_t left = op_.lengths[cursor.segment] - cursor.within;
      const int64_t length = std::min(left, count - at);
      work(op_.gradients->as<float>() + op_.offsets[cursor.segment] + cursor.within, at, length);
      at += length;
      cursor.within += length;
      if (length == left) cursor = {cursor.segment + 1, 0};
    }
  }

  /// The sums of a bucket, in place.
  void add(Communicator& ranks, float* packed) {
    const size_t bytes = static_cast<size_t>(part_) * sizeof(float);
    float* theirs = context_.scratch.at<float>(theirs_);
    float* waiting = context_.scratch.at<float>(waiting_);
    ranks.all_to_all(packed, theirs, bytes);
    for (int64_t rank = 0; rank < op_.ranks; ++rank) {
      add_row_to_tree(rank, op_.ranks, theirs + rank * part_, part_, waiting, part_);
    }
    ranks.all_gather(theirs + (op_.ranks - 1) * part_, packed, bytes);
  }

  void add_metrics(Communicator& ranks) const {
    auto* metrics = op_.metrics->as<double>();
    std::vector<double> all(static_cast<size_t>(op_.ranks * 4));
    ranks.all_gather(metrics, all.data(), 4 * sizeof(double));
    for (int64_t i = 0; i < 4; ++i) {
      TreeSum<double> sum(op_.ranks);
      for (int64_t rank = 0; rank < op_.ranks; ++rank) {
        sum.add(all[static_cast<size_t>(rank * 4 + i)]);
      }
      metrics[i] = sum.total();
    }
  }

  const ops::AllReduce& op_;
  Context& context_;
  int64_t elements_ = 0, part_ = 0;
  SharedRange packed_, theirs_, waiting_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::AllReduce& op, Context& context) {
  return std::make_unique<AllReduceOperation>(op, context);
}

}  // namespace preresnet::cpu
