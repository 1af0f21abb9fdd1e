#include <string>

#include "core/error.h"
#include "cuda/operations/pool.h"
#include "cuda/operations/sizes.h"

namespace preresnet::cuda {
namespace {

class MaxPoolBackward final : public DeviceOperation {
 public:
  MaxPoolBackward(const ops::MaxPoolBackward& op, const Context& context)
      : op_(op),
        type_(context.storage),
        dy_(feature_map("max_pool_backward.dy", op.dy, context)),
        x_(feature_map("max_pool_backward.x", op.x, context)),
        dx_(feature_map("max_pool_backward.dx", op.dx, context)),
        windows_("max_pool_backward", dy_, {op.scale, op.bias}, nullptr, context),
        pixels_("max_pool_backward", x_, {}, op.sums, context),
        scale_(windows_.vector(op.scale)),
        bias_(windows_.vector(op.bias)),
        sums_(pixels_.sums(op.sums)) {
    if (op.kernel > kLargestPoolWindow) {
      throw Error("ERR_UNSUPPORTED", "max_pool_backward.kernel: expected at most " +
                                         std::to_string(kLargestPoolWindow) + " on CUDA, got " +
                                         std::to_string(op.kernel));
    }
  }

  size_t workspace_bytes() const override {
    return sums_bytes() + size_t{dy_.rows()} * dy_.channels;
  }
  int launches() const override { return 2; }

  void enqueue(const StreamContext& on) const override {
    max_pool_backward(
        on.runtime, on.stream, type_, windows_.launch(), pixels_.launch(), sums_.at(on),
        {on.at<void>(op_.dy), on.at<void>(op_.x), scale_.at(on), bias_.at(on), on.at<void>(op_.dx),
         static_cast<uint8_t*>(on.workspace) + sums_bytes(), pool_sizes(op_, x_, dy_), op_.relu});
  }

 private:
  /// Partial sums lie first.
  size_t sums_bytes() const { return sums_ ? aligned(pixels_.workspace_bytes(2)) : 0; }

  const ops::MaxPoolBackward& op_;
  Type type_;
  FeatureMap dy_, x_, dx_;
  ChannelPlan windows_, pixels_;
  VectorOperand scale_, bias_;
  SumsOperand sums_;
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::MaxPoolBackward& op, const Context& context) {
  return std::make_unique<MaxPoolBackward>(op, context);
}

}  // namespace preresnet::cuda
