#include "cuda/operations/update.h"

namespace preresnet::cuda {
namespace {

class Sgd final : public UpdateOperation<ops::Sgd> {
 public:
  Sgd(const ops::Sgd& op, const Context& context) : UpdateOperation("sgd", op, context) {
    expect("sgd", op.velocity, DType::f32, Layout::plain);
  }

  void enqueue(const StreamContext& on) const override {
    SgdParameters parameters{};
    fill(on, parameters);
    parameters.velocity = on.at<float>(op().velocity);
    parameters.momentum = static_cast<float>(op().momentum);
    parameters.nesterov = op().nesterov;
    sgd(on.runtime, on.stream, type(), parameters);
  }
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::Sgd& op, const Context& context) {
  return std::make_unique<Sgd>(op, context);
}

}  // namespace preresnet::cuda
