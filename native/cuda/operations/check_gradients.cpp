#include "cuda/operations/operands.h"
#include "cuda/operations/pieces.h"

namespace preresnet::cuda {
namespace {

class CheckGradients final : public DeviceOperation {
 public:
  CheckGradients(const ops::CheckGradients& op, const Context& context)
      : op_(op),
        type_(context.storage),
        border_(op.weightGradients == nullptr ? 0 : op.weightGradients->dim(0)),
        table_(context.runtime, make_pieces(op.offsets, op.lengths, {}, {}, border_)) {
    expect("check_gradients.weightGradients", op.weightGradients, dtype_of(context.storage),
           Layout::plain);
    expect("check_gradients.gradients", op.gradients, DType::f32, Layout::plain);
    expect("check_gradients.scaler", op.scaler, DType::f32, Layout::plain);
  }

  size_t workspace_bytes() const override { return gradient_norm_workspace(table_.pieces().count); }

  void enqueue(const StreamContext& on) const override {
    auto* scaler = on.at<float>(op_.scaler);
    gradient_norm(
        on.runtime, on.stream, type_,
        {table_.pieces(),
         {on.at<const void>(op_.weightGradients), on.at<const float>(op_.gradients), border_},
         scaler,
         scaler + 3,
         scaler + 5,
         static_cast<float*>(on.workspace),
         on.counters});
  }

 private:
  const ops::CheckGradients& op_;
  Type type_;
  int64_t border_;
  PieceTable table_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::CheckGradients& op, const Context& context) {
  return std::make_unique<CheckGradients>(op, context);
}

}  // namespace preresnet::cuda
