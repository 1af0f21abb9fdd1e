// What `all_reduce_begin` operations leave to the `all_reduce` behind them.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "cpu/courier.h"
#include "ops/operations.h"

namespace preresnet::cpu {

template <class Op>
std::vector<GradientSums::Segment> segments_of(const Op& op) {
  std::vector<GradientSums::Segment> segments;
  for (size_t index = 0; index < op.offsets.size(); ++index) {
    segments.push_back({op.offsets[index], op.lengths[index]});
  }
  return segments;
}

/// Of the program that is being prepared.
class BegunReductions {
 public:
  /// One for all programs of a session, whose runs come one after another.
  const std::shared_ptr<Courier>& courier() {
    if (courier_ == nullptr) courier_ = std::make_shared<Courier>();
    return courier_;
  }

  using Arrive = std::function<void()>;
  /// arrive: writes the sums, once they are there.
  void add(const ops::AllReduceBegin& op, Arrive arrive) {
    offsets_.insert(op.offsets.begin(), op.offsets.end());
    arrive_.push_back(std::move(arrive));
    courier()->expect(arrive_.size());
  }

  /// Those begun so far, which end with this operation; and its segments that were not.
  struct Ending {
    std::vector<Arrive> arrive;
    std::vector<GradientSums::Segment> rest;
  };
  Ending end(const ops::AllReduce& op) {
    Ending ending;
    for (const GradientSums::Segment& segment : segments_of(op)) {
      if (offsets_.count(segment.offset) == 0) ending.rest.push_back(segment);
    }
    ending.arrive = std::exchange(arrive_, {});
    offsets_.clear();
    return ending;
  }

 private:
  std::shared_ptr<Courier> courier_;
  std::set<int64_t> offsets_;
  std::vector<Arrive> arrive_;
};

}  // namespace preresnet::cpu
