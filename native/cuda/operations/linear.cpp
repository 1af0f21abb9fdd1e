#include "cuda/kernels/matrix_product.h"
#include "cuda/operations/operands.h"
#include "cuda/operations/sizes.h"

namespace preresnet::cuda {
namespace {

class Linear final : public DeviceOperation {
 public:
  explicit Linear(const ops::Linear& op)
      : op_(op),
        samples_(size_of_plain("linear.x", op.x, 0)),
        features_(size_of_plain("linear.w", op.w, 1)),
        classes_(size_of_plain("linear.y", op.y, 1)) {
    for (const Tensor* tensor : {op.x, op.w, op.bias, op.y}) {
      expect("linear", tensor, DType::f32, Layout::plain);
    }
  }

  void enqueue(const StreamContext& on) const override {
    matrix_product(
        on.runtime, on.stream, "linear",
        {on.at<const float>(op_.x), features_, 1, on.at<const float>(op_.w), features_, 1,
         on.at<const float>(op_.bias), on.at<float>(op_.y), samples_, classes_, features_});
  }

 private:
  const ops::Linear& op_;
  int samples_, features_, classes_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::Linear& op, const Context&) {
  return std::make_unique<Linear>(op);
}

}  // namespace preresnet::cuda
