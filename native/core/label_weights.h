// What class weights make of the labels of a step.
#pragma once
#include <cstdint>
#include <vector>

#include "core/tree.h"

namespace preresnet {

/// Sum of the weights of `count` labels, without those that are -1: of each of `groups` equal runs
/// one after another, and of the runs by a tree, so that it is the same however they are shared
/// out.
inline double weight_of_labels(const int32_t* labels, int64_t count, int64_t groups,
                               const std::vector<double>& weights) {
  TreeSum<double> sums(groups);
  const int64_t each = count / groups;
  for (int64_t group = 0; group < groups; ++group, labels += each) {
    double sum = 0;
    for (int64_t i = 0; i < each; ++i) {
      if (labels[i] >= 0) sum += weights[static_cast<size_t>(labels[i])];
    }
    sums.add(sum);
  }
  return sums.total();
}

}  // namespace preresnet
