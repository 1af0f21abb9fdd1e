#include "cuda/operations/update.h"

namespace preresnet::cuda {
namespace {

class Lamb final : public BySegments<MomentsOperation<ops::Lamb>> {
 public:
  Lamb(const ops::Lamb& op, const Context& context) : BySegments("lamb", op, context) {}

  void enqueue(const StreamContext& on) const override {
    LambParameters parameters{};
    fill(on, parameters);
    parameters.by_segment = by_segment(on);
    lamb_moments(on.runtime, on.stream, type(), parameters);
    lamb(on.runtime, on.stream, type(), parameters);
  }
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::Lamb& op, const Context& context) {
  return std::make_unique<Lamb>(op, context);
}

}  // namespace preresnet::cuda
