#include "cuda/kernels/matrix_product.h"
#include "cuda/operations/operands.h"
#include "cuda/operations/sizes.h"

namespace preresnet::cuda {
namespace {

class LinearBackward final : public DeviceOperation {
 public:
  explicit LinearBackward(const ops::LinearBackward& op)
      : op_(op),
        samples_(size_of_plain("linear_backward.x", op.x, 0)),
        features_(size_of_plain("linear_backward.w", op.w, 1)),
        classes_(size_of_plain("linear_backward.dy", op.dy, 1)) {
    for (const Tensor* tensor : {op.dy, op.x, op.w, op.dw, op.dbias, op.dx}) {
      expect("linear_backward", tensor, DType::f32, Layout::plain);
    }
  }

  int launches() const override {
    return (op_.dw != nullptr) + (op_.dbias != nullptr) + (op_.dx != nullptr);
  }

  void enqueue(const StreamContext& on) const override {
    const auto* dy = on.at<const float>(op_.dy);  // N K
    const auto* x = on.at<const float>(op_.x);    // N C
    const auto* w = on.at<const float>(op_.w);    // K C
    if (op_.dw != nullptr) {
      matrix_product(on.runtime, on.stream, "linear_backward.dw",
                     {dy, 1, classes_, x, 1, features_, nullptr, on.at<float>(op_.dw), classes_,
                      features_, samples_});
    }
    if (op_.dbias != nullptr) {
      column_sums(on.runtime, on.stream, dy, on.at<float>(op_.dbias), samples_, classes_);
    }
    if (op_.dx != nullptr) {
      matrix_product(on.runtime, on.stream, "linear_backward.dx",
                     {dy, classes_, 1, w, 1, features_, nullptr, on.at<float>(op_.dx), samples_,
                      features_, classes_});
    }
  }

 private:
  const ops::LinearBackward& op_;
  int samples_, features_, classes_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::LinearBackward& op, const Context&) {
  return std::make_unique<LinearBackward>(op);
}

}  // namespace preresnet::cuda
