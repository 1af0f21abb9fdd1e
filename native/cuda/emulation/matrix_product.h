// The one inner loop of the emulated convolutions.
#pragma once
#include <cstdint>

namespace preresnet::cuda::emulation {

struct MatrixView {
  const float* data;
  int64_t row;     // floats from one row to the next
  int64_t column;  // and from one column to the next
};

/// c (rows x columns, rows c_row apart) += a (rows x depth) b (depth x columns). Rows of b and c
/// lie together and `columns` is a multiple of 8.
void add_product(int64_t rows, int64_t columns, int64_t depth, MatrixView a, const float* b,
                 int64_t b_row, float* c, int64_t c_row);

}  // namespace preresnet::cuda::emulation
