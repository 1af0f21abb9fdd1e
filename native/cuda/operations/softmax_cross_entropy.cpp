#include "cuda/operations/loss.h"

namespace preresnet::cuda {
namespace {

class SoftmaxCrossEntropy final : public LossOperation<ops::SoftmaxCrossEntropy> {
 public:
  SoftmaxCrossEntropy(const ops::SoftmaxCrossEntropy& op, const Context& context)
      : LossOperation("softmax_cross_entropy", op, context) {
    expect("softmax_cross_entropy", op.probabilities, DType::f32, Layout::plain);
    expect("softmax_cross_entropy.predictions", op.predictions, DType::i32, Layout::plain);
  }

  void enqueue(const StreamContext& on) const override {
    SoftmaxCrossEntropyParameters parameters{};
    fill(on, parameters);
    parameters.weighs_labels = parameters.weights != nullptr && parameters.targets == nullptr;
    parameters.probabilities = on.at<float>(op().probabilities);
    parameters.predictions = on.at<int32_t>(op().predictions);
    softmax_cross_entropy(on.runtime, on.stream, parameters);
  }
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::SoftmaxCrossEntropy& op,
                                         const Context& context) {
  return std::make_unique<SoftmaxCrossEntropy>(op, context);
}

}  // namespace preresnet::cuda
