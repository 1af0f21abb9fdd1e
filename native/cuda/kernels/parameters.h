// All parameters as one row of `P` elements, of which the first Q are convolution weights: what
// check_gradients, compute_weights and the optimizers read and write.
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

/// What all optimizers have.
struct UpdateParameters {
  Pieces pieces;
  Gradients gradients;
  float* weights;
  void* copies;  // of the first `copied` weights, or null
  int64_t copied;
  float* scaler;         // 8, or null
  const float* squares;  // of gradients without loss scale; null: no clipping
  const double* learning_rate;
  float clip_norm;
  int growth_interval;
  unsigned* counter;
};

struct SgdParameters : UpdateParameters {
  float* velocity;
  float momentum;
  bool nesterov;
};
void sgd(Runtime&, Stream, Type, const SgdParameters&);

struct MomentsParameters : UpdateParameters {
  float* first_moment;
  float* second_moment;
  const uint64_t* step;                                   // from 0
  float beta1, rest1, log1, beta2, rest2, log2, epsilon;  // rest: 1 - beta; log: of beta
};
void adamw(Runtime&, Stream, Type, const MomentsParameters&);

/// The pieces of a segment lie side by side in the table.
struct SegmentPieces {
  int32_t first, count;
};
struct SegmentSums {
  const SegmentPieces* segments;  // of each piece
  float* sums;                    // workspace: two a piece
};
struct LambParameters : MomentsParameters {
  SegmentSums by_segment;  // squares of w and of d
};
/// Moments and sums; then the weights, which need the sums of all pieces.
void lamb_moments(Runtime&, Stream, Type, const LambParameters&);
void lamb(Runtime&, Stream, Type, const LambParameters&);

struct LarsParameters : UpdateParameters {
  float* velocity;
  float momentum;
  const float* coefficients;  // of each piece
  SegmentSums by_segment;     // squares of w and of g
};
/// Sums; then velocity and weights.
void lars_norms(Runtime&, Stream, Type, const LarsParameters&);
void lars(Runtime&, Stream, Type, const LarsParameters&);

}  // namespace preresnet::cuda
