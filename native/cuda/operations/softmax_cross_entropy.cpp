#include "cuda/kernels/softmax.h"
#include "cuda/operations/operands.h"
#include "cuda/operations/sizes.h"

namespace preresnet::cuda {
namespace {

class SoftmaxCrossEntropy final : public DeviceOperation {
 public:
  explicit SoftmaxCrossEntropy(const ops::SoftmaxCrossEntropy& op)
      : op_(op),
        samples_(size_of_plain("softmax_cross_entropy.logits", op.logits, 0)),
        classes_(size_of_plain("softmax_cross_entropy.logits", op.logits, 1)) {
    for (const Tensor* tensor :
         {op.logits, op.targets, op.scaler, op.dlogits, op.probabilities, op.metrics}) {
      expect("softmax_cross_entropy", tensor, DType::f32, Layout::plain);
    }
    expect("softmax_cross_entropy.labels", op.labels, DType::i32, Layout::plain);
    expect("softmax_cross_entropy.predictions", op.predictions, DType::i32, Layout::plain);
  }

  size_t workspace_bytes() const override { return softmax_cross_entropy_workspace(samples_); }

  void enqueue(const StreamContext& on) const override {
    SoftmaxCrossEntropyParameters parameters{};
    parameters.logits = on.at<const float>(op_.logits);
    parameters.labels = on.at<const int32_t>(op_.labels);
    parameters.targets = on.at<const float>(op_.targets);
    parameters.scaler = on.at<const float>(op_.scaler);
    parameters.dlogits = on.at<float>(op_.dlogits);
    parameters.probabilities = on.at<float>(op_.probabilities);
    parameters.predictions = on.at<int32_t>(op_.predictions);
    parameters.metrics = on.at<float>(op_.metrics);
    parameters.partial = static_cast<float*>(on.workspace);
    parameters.counter = on.counters;
    parameters.samples = samples_;
    parameters.classes = classes_;
    parameters.smoothing = static_cast<float>(op_.smoothing);
    softmax_cross_entropy(on.runtime, on.stream, parameters);
  }

 private:
  const ops::SoftmaxCrossEntropy& op_;
  int samples_, classes_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::SoftmaxCrossEntropy& op, const Context&) {
  return std::make_unique<SoftmaxCrossEntropy>(op);
}

}  // namespace preresnet::cuda
