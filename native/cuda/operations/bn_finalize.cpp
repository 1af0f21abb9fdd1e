#include "cuda/kernels/bn_finalize.h"

#include "core/error.h"
#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class BnFinalize final : public DeviceOperation {
 public:
  BnFinalize(const ops::BnFinalize& op, const Context& context) : op_(op), type_(context.storage) {
    for (const Tensor* vector : {op.sums, op.weight, op.beta, op.runningMean, op.runningVar,
                                 op.mean, op.invstd, op.scale, op.bias}) {
      expect("bn_finalize", vector, DType::f32, Layout::nhwc8);
    }
    expect("bn_finalize.scaleStored", op.scaleStored, dtype_of(type_), Layout::nhwc8);
    expect("bn_finalize.biasStored", op.biasStored, dtype_of(type_), Layout::nhwc8);
    if ((op.scaleStored == nullptr) != (op.biasStored == nullptr)) {
      throw Error("ERR_UNSUPPORTED", "bn_finalize: expected scaleStored and biasStored together");
    }
  }

  void enqueue(const StreamContext& on) const override {
    const auto channels = static_cast<uint32_t>(op_.mean->dim(1));
    BnFinalizeOperands operands{};
    operands.sums = on.at<float>(op_.sums);
    operands.weight = on.at<float>(op_.weight);
    operands.beta = on.at<float>(op_.beta);
    operands.running_mean = on.at<float>(op_.runningMean);
    operands.running_var = on.at<float>(op_.runningVar);
    operands.mean = on.at<float>(op_.mean);
    operands.invstd = on.at<float>(op_.invstd);
    operands.scale = on.at<float>(op_.scale);
    operands.bias = on.at<float>(op_.bias);
    operands.scale_stored = on.at<void>(op_.scaleStored);
    operands.bias_stored = on.at<void>(op_.biasStored);
    operands.groups = static_cast<uint32_t>(op_.mean->dim(0));
    operands.channels = channels;
    operands.padded = (channels + 7) / 8 * 8;
    operands.count = static_cast<double>(op_.count);
    operands.epsilon = op_.epsilon;
    operands.momentum = op_.momentum;
    bn_finalize(on.runtime, on.stream, type_, operands);
  }

 private:
  const ops::BnFinalize& op_;
  Type type_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::BnFinalize& op, const Context& context) {
  return std::make_unique<BnFinalize>(op, context);
}

}  // namespace preresnet::cuda
