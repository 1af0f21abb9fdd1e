// A sum that is the same however its values are shared out: they are added by a balanced binary
// tree over their index, 0 + 1, 2 + 3, then the pairs. A run of 2^k values that begins at a
// multiple of 2^k is a branch of it, whoever adds it up.
#pragma once
#include <array>
#include <cstdint>

namespace preresnet {

/// Partial sums that wait at the same time while so many values are added one after another.
constexpr int64_t tree_levels(int64_t values) {
  int64_t levels = 0;
  while ((int64_t{1} << levels) < values) ++levels;
  return levels;
}

/// Value `index` of `count`, which come in their order. Calls merge(level) for every partial sum
/// that is added to it, and then keep(level) if the result waits there for its neighbor. After the
/// last value the result is the sum.
template <class Merge, class Keep>
void add_to_tree(int64_t index, int64_t count, Merge&& merge, Keep&& keep) {
  const bool last = index + 1 == count;
  int64_t level = 0;
  for (; (index >> level) != 0; ++level) {
    if ((index >> level & 1) != 0) {
      merge(level);
    } else if (!last) {
      break;
    }
  }
  if (!last) keep(level);
}

/// The same of a number: a partial sum of level k waits at waiting[k * apart].
template <class Number>
void add_number_to_tree(int64_t index, int64_t count, Number& value, Number* waiting,
                        int64_t apart) {
  add_to_tree(
      index, count, [&](int64_t level) { value += waiting[level * apart]; },
      [&](int64_t level) { waiting[level * apart] = value; });
}

/// The sum of numbers that come one after another.
template <class Number>
class TreeSum {
 public:
  explicit TreeSum(int64_t count) : count_(count) {}

  void add(Number value) {
    add_number_to_tree(index_++, count_, value, waiting_.data(), 1);
    total_ = value;
  }
  /// After the last one.
  Number total() const { return total_; }

 private:
  int64_t count_, index_ = 0;
  Number total_ = 0;
  std::array<Number, 63> waiting_;
};

}  // namespace preresnet
