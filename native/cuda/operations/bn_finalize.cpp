#include "cuda/kernels/bn_finalize.h"

#include "core/error.h"
#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class BnFinalize final : public Operation {
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

  void enqueue(const Place& place) const override {
    const auto channels = static_cast<uint32_t>(op_.mean->dim(1));
    BnFinalizeOperands operands{};
    operands.sums = place.at<float>(op_.sums);
    operands.weight = place.at<float>(op_.weight);
    operands.beta = place.at<float>(op_.beta);
    operands.running_mean = place.at<float>(op_.runningMean);
    operands.running_var = place.at<float>(op_.runningVar);
    operands.mean = place.at<float>(op_.mean);
    operands.invstd = place.at<float>(op_.invstd);
    operands.scale = place.at<float>(op_.scale);
    operands.bias = place.at<float>(op_.bias);
    operands.scale_stored = place.at<void>(op_.scaleStored);
    operands.bias_stored = place.at<void>(op_.biasStored);
    operands.groups = static_cast<uint32_t>(op_.mean->dim(0));
    operands.channels = channels;
    operands.padded = (channels + 7) / 8 * 8;
    operands.count = static_cast<double>(op_.count);
    operands.epsilon = op_.epsilon;
    operands.momentum = op_.momentum;
    bn_finalize(place.runtime, place.stream, type_, operands);
  }

 private:
  const ops::BnFinalize& op_;
  Type type_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::BnFinalize& op, const Context& context) {
  return std::make_unique<BnFinalize>(op, context);
}

}  // namespace preresnet::cuda
