#pragma once
#include "cuda/runtime.h"

namespace preresnet::cuda {

/// c (rows x columns, row-major) = a (rows x depth) b (depth x columns) [+ bias of each column].
struct MatrixProductParameters {
  const float* a;
  int a_row, a_depth;  // floats from one row to the next, and along the depth; one of them is 1
  const float* b;
  int b_column, b_depth;
  const float* bias;
  float* c;
  int rows, columns, depth;
};

/// In fp32, of any size; the order of additions depends on sizes alone.
void matrix_product(Runtime&, Stream, const char* name, const MatrixProductParameters&);

/// sums (columns) = sum over the rows of a row-major matrix.
void column_sums(Runtime&, Stream, const float* matrix, float* sums, int rows, int columns);

}  // namespace preresnet::cuda
