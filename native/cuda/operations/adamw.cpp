#include "cuda/operations/update.h"

namespace preresnet::cuda {
namespace {

class Adamw final : public MomentsOperation<ops::Adamw> {
 public:
  Adamw(const ops::Adamw& op, const Context& context) : MomentsOperation("adamw", op, context) {}

  void enqueue(const StreamContext& on) const override {
    MomentsParameters parameters{};
    fill(on, parameters);
    adamw(on.runtime, on.stream, type(), parameters);
  }
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::Adamw& op, const Context& context) {
  return std::make_unique<Adamw>(op, context);
}

}  // namespace preresnet::cuda
