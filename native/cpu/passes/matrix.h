// Products of small f32 matrices: what a classifier needs. Every element is summed in an order that
// its sizes alone decide.
#pragma once
#include <cstdint>

namespace preresnet::cpu::passes {

/// out[m][n] = sum over k of a[m][k] * b[n][k], + bias[n] where given.
struct RowsByRows {
  const float* a = nullptr;  // [rows][depth]
  const float* b = nullptr;  // [columns][depth]
  const float* bias = nullptr;
  float* out = nullptr;  // [rows][columns], rows `out_row` apart
  int64_t rows = 0, columns = 0, depth = 0, out_row = 0;
};
void run(const RowsByRows& pass);

/// out[m][j] = sum over p of a(m, p) * b[p][j].
struct RowsByColumns {
  const float* a = nullptr;
  int64_t a_row = 0, a_column = 0;  // steps in a from m to m + 1 and from p to p + 1
  const float* b = nullptr;         // [depth][columns]
  float* out = nullptr;             // [rows][columns]
  int64_t rows = 0, columns = 0, depth = 0;
};
void run(const RowsByColumns& pass);

}  // namespace preresnet::cpu::passes
