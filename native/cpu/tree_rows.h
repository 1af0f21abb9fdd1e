// Rows of f32 that are added by a tree.
#pragma once
#include <algorithm>

#include "core/tree.h"
#include "cpu/passes/vectors.h"

namespace preresnet::cpu {

/// add_number_to_tree of every number of a row.
inline void add_row_to_tree(int64_t index, int64_t count, float* row, int64_t length,
                            float* waiting, int64_t apart) {
  add_to_tree(
      index, count, [&](int64_t level) { passes::add(row, waiting + level * apart, length); },
      [&](int64_t level) { std::copy_n(row, length, waiting + level * apart); });
}

}  // namespace preresnet::cpu
