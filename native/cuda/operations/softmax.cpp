#include "cuda/kernels/softmax.h"

#include "cuda/operations/operands.h"
#include "cuda/operations/sizes.h"

namespace preresnet::cuda {
namespace {

class Softmax final : public DeviceOperation {
 public:
  explicit Softmax(const ops::Softmax& op)
      : op_(op),
        rows_(size_of_plain("softmax.logits", op.logits, 0)),
        classes_(size_of_plain("softmax.logits", op.logits, 1)) {
    expect("softmax.logits", op.logits, DType::f32, Layout::plain);
    expect("softmax.probabilities", op.probabilities, DType::f32, Layout::plain);
  }

  void enqueue(const StreamContext& on) const override {
    softmax(on.runtime, on.stream, on.at<const float>(op_.logits), on.at<float>(op_.probabilities),
            rows_, classes_);
  }

 private:
  const ops::Softmax& op_;
  int rows_, classes_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::Softmax& op, const Context&) {
  return std::make_unique<Softmax>(op);
}

}  // namespace preresnet::cuda
