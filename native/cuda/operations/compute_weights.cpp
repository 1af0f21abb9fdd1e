#include "cuda/kernels/parameters.h"
#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class ComputeWeights final : public DeviceOperation {
 public:
  ComputeWeights(const ops::ComputeWeights& op, const Context& context)
      : op_(op), type_(context.storage) {
    expect("compute_weights.weights", op.weights, DType::f32, Layout::plain);
    expect("compute_weights.copies", op.copies, dtype_of(context.storage), Layout::plain);
  }

  void enqueue(const StreamContext& on) const override {
    compute_weights(on.runtime, on.stream, type_, on.at<const float>(op_.weights),
                    on.at<void>(op_.copies), op_.copies->dim(0));
  }

 private:
  const ops::ComputeWeights& op_;
  Type type_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::ComputeWeights& op, const Context& context) {
  return std::make_unique<ComputeWeights>(op, context);
}

}  // namespace preresnet::cuda
