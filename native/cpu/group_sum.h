// The gradient of a parameter, put together from those of groups of images.
#pragma once
#include <algorithm>

#include "core/tree.h"
#include "cpu/context.h"
#include "cpu/tree_rows.h"

namespace preresnet::cpu {

class GroupSum {
 public:
  /// Of one group nothing is added.
  GroupSum(int64_t groups, int64_t elements, ScratchPlan& plan)
      : groups_(groups), elements_(elements) {
    const int64_t levels = tree_levels(groups);
    waiting_ = plan.shared(static_cast<size_t>(levels * elements) * sizeof(float));
  }

  /// Calls make(group) for all groups in their order, which writes the gradient of one to `value`;
  /// the sum is there in the end.
  template <class Make>
  void sum(Context& context, float* value, Make&& make) const {
    for (int64_t group = 0; group < groups_; ++group) {
      make(group);
      if (groups_ > 1) add(context, group, value);
    }
  }

 private:
  void add(Context& context, int64_t group, float* value) const {
    constexpr int64_t kElementsATask = 1 << 14;
    float* waiting = context.scratch.at<float>(waiting_);
    context.pool.run((elements_ + kElementsATask - 1) / kElementsATask, [&](int, int64_t task) {
      const int64_t first = task * kElementsATask;
      const int64_t count = std::min(kElementsATask, elements_ - first);
      add_row_to_tree(group, groups_, value + first, count, waiting + first, elements_);
    });
  }

  int64_t groups_, elements_;
  SharedRange waiting_;
};

}  // namespace preresnet::cpu
