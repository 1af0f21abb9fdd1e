#include "cuda/kernels/launch.h"
#include "cuda/kernels/matrix_product.h"
#include "cuda/kernels/vocabulary.h"

namespace preresnet::cuda {

namespace {

constexpr unsigned kTile = 32;  // rows, columns and depth that a block holds at a time
constexpr unsigned kProductThreads = 256;
constexpr unsigned kHalf = kTile / 2;

/// tile[d][i] = element i of a row or column at depth d, 0 outside the matrix. Neighboring threads
/// read neighboring floats.
__device__ __forceinline__ void load_tile(const float* from, int stride, int depth_stride,
                                          int first, int end, int first_depth, int depth,
                                          float (&tile)[kTile][kTile + 1]) {
  const unsigned fast = threadIdx.x % kTile;
  for (unsigned slow = threadIdx.x / kTile; slow < kTile; slow += kProductThreads / kTile) {
    const unsigned i = depth_stride == 1 ? slow : fast;
    const unsigned d = depth_stride == 1 ? fast : slow;
    const int position = first + static_cast<int>(i);
    const int at = first_depth + static_cast<int>(d);
    const bool inside = position < end && at < depth;
    tile[d][i] = inside ? from[static_cast<int64_t>(position) * stride +
                               static_cast<int64_t>(at) * depth_stride]
                        : 0.0f;
  }
}

/// A thread holds four results, kHalf apart.
__global__ void matrix_product_kernel(MatrixProductParameters p) {
  PRERESNET_SHARED(float, a, [kTile][kTile + 1]);
  PRERESNET_SHARED(float, b, [kTile][kTile + 1]);
  const int row = static_cast<int>(blockIdx.y * kTile);
  const int column = static_cast<int>(blockIdx.x * kTile);
  const unsigned x = threadIdx.x % kHalf, y = threadIdx.x / kHalf;
  float sums[2][2] = {};
  for (int depth = 0; depth < p.depth; depth += kTile) {
    load_tile(p.a, p.a_row, p.a_depth, row, p.rows, depth, p.depth, a);
    load_tile(p.b, p.b_column, p.b_depth, column, p.columns, depth, p.depth, b);
    __syncthreads();
    // Added tile by tile, so that no chain of additions is long.
    float part[2][2] = {};
    PRERESNET_UNROLL
    for (unsigned d = 0; d < kTile; ++d) {
      for (unsigned i = 0; i < 2; ++i) {
        for (unsigned j = 0; j < 2; ++j) part[i][j] += a[d][y + i * kHalf] * b[d][x + j * kHalf];
      }
    }
    for (unsigned i = 0; i < 2; ++i) {
      for (unsigned j = 0; j < 2; ++j) sums[i][j] += part[i][j];
    }
    __syncthreads();
  }
  for (unsigned i = 0; i < 2; ++i) {
    for (unsigned j = 0; j < 2; ++j) {
      const int r = row + static_cast<int>(y + i * kHalf);
      const int c = column + static_cast<int>(x + j * kHalf);
      if (r >= p.rows || c >= p.columns) continue;
      p.c[static_cast<int64_t>(r) * p.columns + c] =
          sums[i][j] + (p.bias == nullptr ? 0.0f : p.bias[c]);
    }
  }
}

constexpr unsigned kProductLanes = kProductThreads / kTile;  // threads that share a column

__global__ void column_sums_kernel(const float* matrix, float* sums, int rows, int columns) {
  PRERESNET_SHARED(float, parts, [kProductLanes][kTile]);
  const unsigned x = threadIdx.x % kTile, y = threadIdx.x / kTile;
  const int column = static_cast<int>(blockIdx.x * kTile + x);
  float sum = 0;
  if (column < columns) {
    for (int row = static_cast<int>(y); row < rows; row += kProductLanes) {
      sum += matrix[static_cast<int64_t>(row) * columns + column];
    }
  }
  parts[y][x] = sum;
  __syncthreads();
  if (y != 0 || column >= columns) return;
  for (unsigned i = 1; i < kProductLanes; ++i) sum += parts[i][x];
  sums[column] = sum;
}

unsigned tiles(int size) { return (static_cast<unsigned>(size) + kTile - 1) / kTile; }

}  // namespace

void matrix_product(Runtime& runtime, Stream stream, const char* name,
                    const MatrixProductParameters& parameters) {
  launch(runtime, stream, name, {tiles(parameters.columns), tiles(parameters.rows)},
         {kProductThreads}, matrix_product_kernel, parameters);
}

void column_sums(Runtime& runtime, Stream stream, const float* matrix, float* sums, int rows,
                 int columns) {
  launch(runtime, stream, "column_sums", {tiles(columns)}, {kProductThreads}, column_sums_kernel,
         matrix, sums, rows, columns);
}

}  // namespace preresnet::cuda
