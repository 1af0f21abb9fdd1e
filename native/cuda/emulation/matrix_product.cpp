#include "cuda/emulation/matrix_product.h"

#include <cstring>

namespace preresnet::cuda::emulation {

namespace {

using Four = float __attribute__((vector_size(16)));

Four load(const float* from) {
  Four value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

void store(float* to, Four value) { std::memcpy(to, &value, sizeof value); }

/// `Rows` rows and 8 columns of c stay in registers.
template <int Rows>
void add_tile(int64_t depth, MatrixView a, const float* b, int64_t b_row, float* c, int64_t c_row) {
  Four sums[Rows][2];
  for (int i = 0; i < Rows; ++i) {
    sums[i][0] = load(c + i * c_row);
    sums[i][1] = load(c + i * c_row + 4);
  }
  for (int64_t d = 0; d < depth; ++d) {
    const Four left = load(b + d * b_row);
    const Four right = load(b + d * b_row + 4);
    for (int i = 0; i < Rows; ++i) {
      const float factor = a.data[i * a.row + d * a.column];
      sums[i][0] += factor * left;
      sums[i][1] += factor * right;
    }
  }
  for (int i = 0; i < Rows; ++i) {
    store(c + i * c_row, sums[i][0]);
    store(c + i * c_row + 4, sums[i][1]);
  }
}

}  // namespace

void add_product(int64_t rows, int64_t columns, int64_t depth, MatrixView a, const float* b,
                 int64_t b_row, float* c, int64_t c_row) {
  for (int64_t column = 0; column < columns; column += 8) {
    MatrixView some = a;
    int64_t row = 0;
    for (; row + 4 <= rows; row += 4, some.data += 4 * a.row) {
      add_tile<4>(depth, some, b + column, b_row, c + row * c_row + column, c_row);
    }
    for (; row < rows; ++row, some.data += a.row) {
      add_tile<1>(depth, some, b + column, b_row, c + row * c_row + column, c_row);
    }
  }
}

}  // namespace preresnet::cuda::emulation
