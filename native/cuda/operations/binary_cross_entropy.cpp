#include "cuda/operations/loss.h"

namespace preresnet::cuda {
namespace {

class BinaryCrossEntropy final : public LossOperation<ops::BinaryCrossEntropy> {
 public:
  BinaryCrossEntropy(const ops::BinaryCrossEntropy& op, const Context& context)
      : LossOperation("binary_cross_entropy", op, context) {}

  void enqueue(const StreamContext& on) const override {
    BinaryCrossEntropyParameters parameters{};
    fill(on, parameters);
    parameters.threshold = static_cast<float>(op().threshold);
    binary_cross_entropy(on.runtime, on.stream, parameters);
  }
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::BinaryCrossEntropy& op,
                                         const Context& context) {
  return std::make_unique<BinaryCrossEntropy>(op, context);
}

}  // namespace preresnet::cuda
