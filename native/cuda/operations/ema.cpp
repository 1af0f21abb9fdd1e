#include "cuda/kernels/ema.h"

#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class Ema final : public DeviceOperation {
 public:
  explicit Ema(const ops::Ema& op) : op_(op) {
    for (const Tensor* tensor :
         {op.weights, op.averages, op.statistics, op.averagedStatistics, op.scaler}) {
      expect("ema", tensor, DType::f32, Layout::plain);
    }
  }

  int launches() const override { return op_.statistics == nullptr ? 1 : 2; }

  void enqueue(const StreamContext& on) const override {
    follow(on, op_.weights, op_.averages);
    if (op_.statistics != nullptr) follow(on, op_.statistics, op_.averagedStatistics);
  }

 private:
  void follow(const StreamContext& on, const Tensor* values, const Tensor* averages) const {
    ema(on.runtime, on.stream,
        {.values = on.at<const float>(values),
         .averages = on.at<float>(averages),
         .count = averages->dim(0),
         .scaler = on.at<const float>(op_.scaler),
         .step = &on.step->step,
         .share = static_cast<float>(1 - op_.decay),
         .every = static_cast<uint64_t>(op_.every),
         .after = static_cast<uint64_t>(op_.after)});
  }

  const ops::Ema& op_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::Ema& op, const Context&) {
  return std::make_unique<Ema>(op);
}

}  // namespace preresnet::cuda
