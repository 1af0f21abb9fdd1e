// What operations of optimizers share: their tensors' types, the table of pieces, the norm to clip.
#pragma once
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "cuda/operations/operands.h"
#include "cuda/operations/pieces.h"
#include "cuda/operations/sizes.h"

namespace preresnet::cuda {

template <class Op>
class UpdateOperation : public DeviceOperation {
 public:
  UpdateOperation(const std::string& name, const Op& op, const Context& context)
      : op_(op),
        type_(context.storage),
        border_(op.weightGradients == nullptr ? 0 : op.weightGradients->dim(0)),
        table_(context.runtime, make_pieces(op.offsets, op.lengths, op.decays, op.rates, border_)) {
    for (const Tensor* tensor : {op.weights, op.gradients, op.scaler}) {
      expect(name, tensor, DType::f32, Layout::plain);
    }
    for (const Tensor* tensor : {op.weightGradients, op.copies}) {
      expect(name, tensor, dtype_of(context.storage), Layout::plain);
    }
  }

  int launches() const override { return own_norm() ? 2 : 1; }
  size_t workspace_bytes() const override {
    return own_norm() ? kNorm + gradient_norm_workspace(table_.pieces().count) : 0;
  }

 protected:
  const Op& op() const { return op_; }
  Type type() const { return type_; }
  Pieces pieces() const { return table_.pieces(); }

  /// Launches what measures the gradients, where they are to be clipped and nobody has.
  void fill(const StreamContext& on, UpdateParameters& parameters) const {
    auto* scaler = on.at<float>(op_.scaler);
    const Gradients gradients{on.at<const void>(op_.weightGradients),
                              on.at<const float>(op_.gradients), border_};
    parameters.pieces = pieces();
    parameters.gradients = gradients;
    parameters.weights = on.at<float>(op_.weights);
    parameters.copies = on.at<void>(op_.copies);
    parameters.copied = op_.copies == nullptr ? 0 : op_.copies->dim(0);
    parameters.scaler = scaler;
    parameters.squares = nullptr;
    if (op_.clipNorm > 0) {
      parameters.squares = scaler == nullptr ? norm(on, gradients) : scaler + 5;
    }
    parameters.learning_rate = &on.step->learning_rate;
    parameters.clip_norm = static_cast<float>(op_.clipNorm);
    parameters.growth_interval = static_cast<int>(op_.growthInterval);
    parameters.counter = on.counters;
  }

 private:
  static constexpr size_t kNorm = 256;  // bytes: the two results, before the partial sums

  /// Without a scaler nobody has measured the gradients.
  bool own_norm() const { return op_.clipNorm > 0 && op_.scaler == nullptr; }

  const float* norm(const StreamContext& on, const Gradients& gradients) const {
    auto* results = static_cast<float*>(on.workspace);
    gradient_norm(on.runtime, on.stream, type_,
                  {pieces(), gradients, nullptr, results, results + 1,
                   results + kNorm / sizeof(float), on.counters});
    return results + 1;
  }

  const Op& op_;
  Type type_;
  int64_t border_;
  PieceTable table_;
};

/// Of adamw and lamb.
template <class Op>
class MomentsOperation : public UpdateOperation<Op> {
 public:
  MomentsOperation(const std::string& name, const Op& op, const Context& context)
      : UpdateOperation<Op>(name, op, context) {
    for (const Tensor* tensor : {op.firstMoment, op.secondMoment}) {
      expect(name, tensor, DType::f32, Layout::plain);
    }
  }

 protected:
  void fill(const StreamContext& on, MomentsParameters& parameters) const {
    const Op& op = this->op();
    UpdateOperation<Op>::fill(on, parameters);
    parameters.first_moment = on.at<float>(op.firstMoment);
    parameters.second_moment = on.at<float>(op.secondMoment);
    parameters.step = &on.step->step;
    parameters.beta1 = static_cast<float>(op.beta1);
    parameters.rest1 = static_cast<float>(1 - op.beta1);
    parameters.log1 = static_cast<float>(std::log(op.beta1));
    parameters.beta2 = static_cast<float>(op.beta2);
    parameters.rest2 = static_cast<float>(1 - op.beta2);
    parameters.log2 = static_cast<float>(std::log(op.beta2));
    parameters.epsilon = static_cast<float>(op.epsilon);
  }
};

/// Pieces of each segment.
template <class Op>
std::vector<int32_t> pieces_by_segment(const Op& op) {
  const int64_t border = op.weightGradients == nullptr ? 0 : op.weightGradients->dim(0);
  std::vector<int32_t> counts;
  for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
    counts.push_back(static_cast<int32_t>(
        make_pieces({op.offsets[segment]}, {op.lengths[segment]}, {}, {}, border).size()));
  }
  return counts;
}

/// An optimizer that looks at each segment as a whole before it changes it: one launch more, and
/// two sums a piece.
template <class Base>
class BySegments : public Base {
 public:
  template <class Op>
  BySegments(const std::string& name, const Op& op, const Context& context)
      : Base(name, op, context), segments_(context.runtime, segments_of(op)) {}

  int launches() const override { return Base::launches() + 1; }
  size_t workspace_bytes() const override {
    return sums_at() + static_cast<size_t>(this->pieces().count) * 2 * sizeof(float);
  }

 protected:
  SegmentSums by_segment(const StreamContext& on) const {
    auto* sums = static_cast<std::byte*>(on.workspace) + sums_at();
    return {segments_.data(), reinterpret_cast<float*>(sums)};
  }

 private:
  /// Behind what measuring the gradients takes.
  size_t sums_at() const {
    constexpr size_t kLine = 256;
    return (Base::workspace_bytes() + kLine - 1) / kLine * kLine;
  }

  /// For each piece those of its segment.
  template <class Op>
  static std::vector<SegmentPieces> segments_of(const Op& op) {
    std::vector<SegmentPieces> segments;
    for (const int32_t count : pieces_by_segment(op)) {
      const auto first = static_cast<int32_t>(segments.size());
      segments.insert(segments.end(), static_cast<size_t>(count), {first, count});
    }
    return segments;
  }

  DeviceTable<SegmentPieces> segments_;
};

}  // namespace preresnet::cuda
