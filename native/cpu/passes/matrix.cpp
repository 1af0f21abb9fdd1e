#include "cpu/passes/matrix.h"

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/matrix.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

HWY_INLINE float total(const Sixteen& value) {
  Float sum = value.part[0];
  for (int i = 1; i < kParts; ++i) sum = hn::Add(sum, value.part[i]);
  return hn::GetLane(hn::SumOfLanes(Floats(), sum));
}

/// kRows x kColumns elements at once, so that each row that is read serves several products.
template <int kRows, int kColumns>
HWY_INLINE void dot_tile(const RowsByRows& pass, int64_t m, int64_t n) {
  Sixteen sums[kRows][kColumns];
  for (auto& row : sums) {
    for (Sixteen& sum : row) sum = zero();
  }
  const int64_t depth = pass.depth, whole = depth / 16 * 16;
  const float* a = pass.a + m * depth;
  const float* b = pass.b + n * depth;
  for (int64_t k = 0; k < whole; k += 16) {
    Sixteen right[kColumns];
    for (int j = 0; j < kColumns; ++j) right[j] = load(b + j * depth + k);
    for (int i = 0; i < kRows; ++i) {
      const Sixteen left = load(a + i * depth + k);
      for (int j = 0; j < kColumns; ++j) sums[i][j] = multiply_add(left, right[j], sums[i][j]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kColumns; ++j) {
      float value = total(sums[i][j]);
      for (int64_t k = whole; k < depth; ++k) value += a[i * depth + k] * b[j * depth + k];
      if (pass.bias != nullptr) value += pass.bias[n + j];
      pass.out[(m + i) * pass.out_row + n + j] = value;
    }
  }
}

void rows_by_rows(const RowsByRows& pass) {
  int64_t m = 0;
  for (; m + 4 <= pass.rows; m += 4) {
    int64_t n = 0;
    for (; n + 2 <= pass.columns; n += 2) dot_tile<4, 2>(pass, m, n);
    for (; n < pass.columns; ++n) dot_tile<4, 1>(pass, m, n);
  }
  for (; m < pass.rows; ++m) {
    int64_t n = 0;
    for (; n + 2 <= pass.columns; n += 2) dot_tile<1, 2>(pass, m, n);
    for (; n < pass.columns; ++n) dot_tile<1, 1>(pass, m, n);
  }
}

template <int kRows>
HWY_INLINE void combine_tile(const RowsByColumns& pass, int64_t m, int64_t j) {
  Sixteen sums[kRows];
  for (Sixteen& sum : sums) sum = zero();
  const float* a = pass.a + m * pass.a_row;
  for (int64_t p = 0; p < pass.depth; ++p) {
    const Sixteen right = load(pass.b + p * pass.columns + j);
    for (int i = 0; i < kRows; ++i) {
      sums[i] = multiply_add(splat(a[i * pass.a_row + p * pass.a_column]), right, sums[i]);
    }
  }
  for (int i = 0; i < kRows; ++i) store(sums[i], pass.out + (m + i) * pass.columns + j);
}

void rows_by_columns(const RowsByColumns& pass) {
  const int64_t whole = pass.columns / 16 * 16;
  int64_t m = 0;
  for (; m + 4 <= pass.rows; m += 4) {
    for (int64_t j = 0; j < whole; j += 16) combine_tile<4>(pass, m, j);
  }
  for (; m < pass.rows; ++m) {
    for (int64_t j = 0; j < whole; j += 16) combine_tile<1>(pass, m, j);
  }
  for (m = 0; m < pass.rows; ++m) {
    for (int64_t j = whole; j < pass.columns; ++j) {
      float value = 0;
      for (int64_t p = 0; p < pass.depth; ++p) {
        value += pass.a[m * pass.a_row + p * pass.a_column] * pass.b[p * pass.columns + j];
      }
      pass.out[m * pass.columns + j] = value;
    }
  }
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(rows_by_rows);
HWY_EXPORT(rows_by_columns);
void run(const RowsByRows& pass) { HWY_DYNAMIC_DISPATCH(rows_by_rows)(pass); }
void run(const RowsByColumns& pass) { HWY_DYNAMIC_DISPATCH(rows_by_columns)(pass); }
}  // namespace preresnet::cpu::passes
#endif
