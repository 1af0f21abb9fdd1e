// The gradient of a parameter, put together from those of groups of images.
#pragma once
#include <algorithm>

#include "core/tree.h"
#include "cpu/context.h"
#include "cpu/passes/vectors.h"

namespace preresnet::cpu {

class GroupSum {
 public:
  /// Of one group this is nothing.
  GroupSum(int64_t groups, int64_t elements, ScratchPlan& plan)
      : groups_(groups), elements_(elements) {
    const int64_t levels = tree_levels(groups);
    waiting_ = plan.shared(static_cast<size_t>(levels * elements) * sizeof(float));
  }

  int64_t groups() const { return groups_; }
  /// value: the gradient of group `group`, all groups in their order; after the last, the sum.
  void add(Context& context, int64_t group, float* value) const {
    if (groups_ == 1) return;
    constexpr int64_t kElementsATask = 1 << 14;
    float* waiting = context.scratch.at<float>(waiting_);
    context.pool.run((elements_ + kElementsATask - 1) / kElementsATask, [&](int, int64_t task) {
      const int64_t first = task * kElementsATask;
      const int64_t count = std::min(kElementsATask, elements_ - first);
      const auto at = [&](int64_t level) { return waiting + level * elements_ + first; };
      add_to_tree(
          group, groups_, [&](int64_t level) { passes::add(value + first, at(level), count); },
          [&](int64_t level) { std::copy_n(value + first, count, at(level)); });
    });
  }

 private:
  int64_t groups_, elements_;
  SharedRange waiting_;
};

}  // namespace preresnet::cpu
