// What operations of losses share: their tensors' types and the workspace of the metrics.
#pragma once
#include <string>

#include "cuda/kernels/softmax.h"
#include "cuda/operations/device_table.h"
#include "cuda/operations/operands.h"
#include "cuda/operations/sizes.h"

namespace preresnet::cuda {

template <class Op>
class LossOperation : public DeviceOperation {
 public:
  LossOperation(const std::string& name, const Op& op, const Context& context)
      : op_(op),
        weights_(context.runtime, {op.classWeights.begin(), op.classWeights.end()}),
        samples_(size_of_plain(name + ".logits", op.logits, 0)),
        classes_(size_of_plain(name + ".logits", op.logits, 1)) {
    for (const Tensor* tensor : {op.logits, op.targets, op.scaler, op.dlogits, op.metrics}) {
      expect(name, tensor, DType::f32, Layout::plain);
    }
    expect(name + ".labels", op.labels, DType::i32, Layout::plain);
  }

  size_t workspace_bytes() const override { return loss_workspace(samples_); }

 protected:
  const Op& op() const { return op_; }

  void fill(const StreamContext& on, LossParameters& parameters) const {
    parameters.logits = on.at<const float>(op_.logits);
    parameters.labels = on.at<const int32_t>(op_.labels);
    parameters.targets = on.at<const float>(op_.targets);
    parameters.scaler = on.at<const float>(op_.scaler);
    parameters.weights = weights_.data();
    parameters.dlogits = on.at<float>(op_.dlogits);
    parameters.metrics = on.at<float>(op_.metrics);
    parameters.partial = static_cast<float*>(on.workspace);
    parameters.counter = on.counters;
    parameters.samples = samples_;
    parameters.classes = classes_;
    parameters.smoothing = static_cast<float>(op_.smoothing);
  }

 private:
  const Op& op_;
  DeviceTable<float> weights_;
  int samples_, classes_;
};

}  // namespace preresnet::cuda
