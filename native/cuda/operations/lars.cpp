#include "cuda/operations/update.h"

namespace preresnet::cuda {
namespace {

class Lars final : public BySegments<UpdateOperation<ops::Lars>> {
 public:
  Lars(const ops::Lars& op, const Context& context)
      : BySegments("lars", op, context), coefficients_(context.runtime, of_pieces(op)) {
    expect("lars", op.velocity, DType::f32, Layout::plain);
  }

  void enqueue(const StreamContext& on) const override {
    LarsParameters parameters{};
    fill(on, parameters);
    parameters.velocity = on.at<float>(op().velocity);
    parameters.momentum = static_cast<float>(op().momentum);
    parameters.coefficients = coefficients_.data();
    parameters.by_segment = by_segment(on);
    lars_norms(on.runtime, on.stream, type(), parameters);
    lars(on.runtime, on.stream, type(), parameters);
  }

 private:
  static std::vector<float> of_pieces(const ops::Lars& op) {
    std::vector<float> coefficients;
    const std::vector<int32_t> counts = pieces_by_segment(op);
    for (size_t segment = 0; segment < counts.size(); ++segment) {
      coefficients.insert(coefficients.end(), static_cast<size_t>(counts[segment]),
                          static_cast<float>(op.coefficients[segment]));
    }
    return coefficients;
  }

  DeviceTable<float> coefficients_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::Lars& op, const Context& context) {
  return std::make_unique<Lars>(op, context);
}

}  // namespace preresnet::cuda
