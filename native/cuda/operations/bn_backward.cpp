#include "cuda/kernels/bn_backward.h"

#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class BnBackward final : public DeviceOperation {
 public:
  explicit BnBackward(const ops::BnBackward& op) : op_(op) {
    for (const Tensor* vector :
         {op.sums, op.weight, op.mean, op.invstd, op.dweight, op.dbeta, op.a, op.b, op.c}) {
      expect("bn_backward", vector, DType::f32, Layout::nhwc8);
    }
  }

  void enqueue(const StreamContext& on) const override {
    const auto channels = static_cast<uint32_t>(op_.mean->dim(1));
    BnBackwardOperands operands{};
    operands.sums = on.at<float>(op_.sums);
    operands.weight = on.at<float>(op_.weight);
    operands.mean = on.at<float>(op_.mean);
    operands.invstd = on.at<float>(op_.invstd);
    operands.dweight = on.at<float>(op_.dweight);
    operands.dbeta = on.at<float>(op_.dbeta);
    operands.a = on.at<float>(op_.a);
    operands.b = on.at<float>(op_.b);
    operands.c = on.at<float>(op_.c);
    operands.groups = static_cast<uint32_t>(op_.mean->dim(0));
    operands.channels = channels;
    operands.padded = (channels + 7) / 8 * 8;
    operands.count = static_cast<double>(op_.count);
    operands.frozen = op_.frozen;
    bn_backward(on.runtime, on.stream, operands);
  }

 private:
  const ops::BnBackward& op_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::BnBackward& op, const Context&) {
  return std::make_unique<BnBackward>(op);
}

}  // namespace preresnet::cuda
