#include <cstddef>

#include "cuda/operations/operands.h"
#include "cuda/operations/pieces.h"
#include "cuda/operations/sizes.h"

namespace preresnet::cuda {
namespace {

class Sgd final : public DeviceOperation {
 public:
  Sgd(const ops::Sgd& op, const Context& context)
      : op_(op),
        type_(context.storage),
        border_(op.weightGradients == nullptr ? 0 : op.weightGradients->dim(0)),
        table_(context.runtime, make_pieces(op.offsets, op.lengths, op.decays, op.rates, border_)) {
    for (const Tensor* tensor : {op.weights, op.gradients, op.velocity, op.scaler}) {
      expect("sgd", tensor, DType::f32, Layout::plain);
    }
    for (const Tensor* tensor : {op.weightGradients, op.copies}) {
      expect("sgd", tensor, dtype_of(context.storage), Layout::plain);
    }
  }

  int launches() const override { return own_norm() ? 2 : 1; }
  size_t workspace_bytes() const override {
    return own_norm() ? kNorm + gradient_norm_workspace(table_.pieces().count) : 0;
  }

  void enqueue(const StreamContext& on) const override {
    auto* scaler = on.at<float>(op_.scaler);
    const Gradients gradients{on.at<const void>(op_.weightGradients),
                              on.at<const float>(op_.gradients), border_};
    const float* squares = nullptr;
    if (op_.clipNorm > 0) squares = scaler == nullptr ? norm(on, gradients) : scaler + 5;
    SgdParameters parameters{};
    parameters.pieces = table_.pieces();
    parameters.gradients = gradients;
    parameters.weights = on.at<float>(op_.weights);
    parameters.velocity = on.at<float>(op_.velocity);
    parameters.copies = on.at<void>(op_.copies);
    parameters.copied = op_.copies == nullptr ? 0 : op_.copies->dim(0);
    parameters.scaler = scaler;
    parameters.squares = squares;
    parameters.learning_rate = &on.step->learning_rate;
    parameters.momentum = static_cast<float>(op_.momentum);
    parameters.clip_norm = static_cast<float>(op_.clipNorm);
    parameters.nesterov = op_.nesterov;
    parameters.growth_interval = static_cast<int>(op_.growthInterval);
    parameters.counter = on.counters;
    sgd(on.runtime, on.stream, type_, parameters);
  }

 private:
  static constexpr size_t kNorm = 256;  // bytes: the two results, before the partial sums

  /// Without a scaler nobody has measured the gradients.
  bool own_norm() const { return op_.clipNorm > 0 && op_.scaler == nullptr; }

  const float* norm(const StreamContext& on, const Gradients& gradients) const {
    auto* results = static_cast<float*>(on.workspace);
    gradient_norm(on.runtime, on.stream, type_,
                  {table_.pieces(), gradients, nullptr, results, results + 1,
                   results + kNorm / sizeof(float), on.counters});
    return results + 1;
  }

  const ops::Sgd& op_;
  Type type_;
  int64_t border_;
  PieceTable table_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::Sgd& op, const Context& context) {
  return std::make_unique<Sgd>(op, context);
}

}  // namespace preresnet::cuda
