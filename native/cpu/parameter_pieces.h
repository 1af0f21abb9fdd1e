// All parameters as one row of segments: cut into pieces of a fixed length that threads share out,
// so that no sum depends on the number of threads.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "cpu/context.h"
#include "cpu/operands.h"

namespace preresnet::cpu {

struct ParameterPiece {
  size_t segment;
  int64_t begin, count;
};

class ParameterPieces {
 public:
  template <class Op>
  ParameterPieces(const Op& op, Context& context)
      : ParameterPieces(op.offsets, op.lengths, *op.gradients, context) {}

  int64_t count() const { return static_cast<int64_t>(pieces_.size()); }
  const ParameterPiece& operator[](int64_t index) const {
    return pieces_[static_cast<size_t>(index)];
  }

  /// Calls function(piece, index of it), on all threads. Many short segments (norms) make a task
  /// together.
  template <class Function>
  void each(Function&& function) const {
    constexpr int64_t kPiecesATask = 8;
    pool_.run((count() + kPiecesATask - 1) / kPiecesATask, [&](int, int64_t task) {
      const int64_t end = std::min((task + 1) * kPiecesATask, count());
      for (int64_t i = task * kPiecesATask; i < end; ++i) function((*this)[i], i);
    });
  }

  /// `sums`: two a piece. Calls function(segment, sum, sum) with those of each segment, whose
  /// pieces lie side by side.
  template <class Function>
  void each_segment(const double* sums, Function&& function) const {
    for (int64_t i = 0; i < count();) {
      const size_t segment = (*this)[i].segment;
      double first = 0, second = 0;
      for (; i < count() && (*this)[i].segment == segment; ++i) {
        first += sums[2 * i];
        second += sums[2 * i + 1];
      }
      function(segment, first, second);
    }
  }

  /// What gradients are multiplied with so that the norm of all is at most clip_norm; 0: any.
  /// `squares`: count() of them.
  float clip_factor(double clip_norm, double* squares) const;

 private:
  ParameterPieces(const std::vector<int64_t>& offsets, const std::vector<int64_t>& lengths,
                  const Tensor& gradients, Context& context);

  std::vector<ParameterPiece> pieces_;
  const Tensor& gradients_;
  ThreadPool& pool_;
};

/// Throws ERR_UNSUPPORTED for operands of an optimizer that only GPUs use.
template <class Op>
void expect_on_host(const std::string& name, const Op& op) {
  expect_plain(name + ".weights", op.weights, DType::f32);
  expect_plain(name + ".gradients", op.gradients, DType::f32);
  expect_none(name + ".weightGradients", op.weightGradients);
  expect_none(name + ".copies", op.copies);
  expect_none(name + ".scaler", op.scaler);
}

}  // namespace preresnet::cpu
