// All parameters as one row of `P` elements, of which the first Q are convolution weights: what
// check_gradients, compute_weights and sgd read and write.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/convolution.h"

namespace preresnet::cuda {

/// A part of a segment, in the order of the row; at most kPieceLength elements.
struct Piece {
  int64_t first;
  int32_t length;
  float decay, rate;
};
constexpr int32_t kPieceLength = 4096;

/// The table lies in device memory.
struct Pieces {
  const Piece* data;
  int32_t count;
};

/// Gradient of element i: weight_gradients[i] below `border`, gradients[i - border] from there on.
struct Gradients {
  const void* weight_gradients;
  const float* gradients;
  int64_t border;
};

/// overflow = 1 where a gradient is not finite, else 0; squares = sum of their squares, divided by
/// the square of *scale where that is given.
struct GradientNormParameters {
  Pieces pieces;
  Gradients gradients;
  const float* scale;
  float* overflow;
  float* squares;
  float* partial;  // workspace
  unsigned* counter;
};
void gradient_norm(Runtime&, Stream, Type, const GradientNormParameters&);
size_t gradient_norm_workspace(int32_t pieces);

/// copies = weights, rounded to the type.
void compute_weights(Runtime&, Stream, Type, const float* weights, void* copies, int64_t count);

struct SgdParameters {
  Pieces pieces;
  Gradients gradients;
  float* weights;
  float* velocity;
  void* copies;  // of the first `copied` weights, or null
  int64_t copied;
  float* scaler;         // 8, or null
  const float* squares;  // of gradients without loss scale; null: no clipping
  const double* learning_rate;
  float momentum, clip_norm;
  bool nesterov;
  int growth_interval;
  unsigned* counter;
};
void sgd(Runtime&, Stream, Type, const SgdParameters&);

}  // namespace preresnet::cuda
