#include <string>

#include "core/error.h"
#include "cuda/kernels/pool.h"
#include "cuda/operations/operands.h"
#include "cuda/operations/sizes.h"

namespace preresnet::cuda {
namespace {

class PoolBackward final : public Operation {
 public:
  PoolBackward(const ops::PoolBackward& op, const Context& context)
      : op_(op),
        type_(context.storage),
        dy_(feature_map("pool_backward.dy", op.dy, context)),
        x_(feature_map("pool_backward.x", op.x, context)),
        dx_(feature_map("pool_backward.dx", op.dx, context)),
        windows_("pool_backward", dy_, {op.scale, op.bias}, nullptr, context),
        places_("pool_backward", x_, {}, op.sums, context),
        scale_(windows_.vector(op.scale)),
        bias_(windows_.vector(op.bias)),
        sums_(places_.sums(op.sums)) {
    if (op.kernel > kLargestPoolWindow) {
      throw Error("ERR_UNSUPPORTED", "pool_backward.kernel: expected at most " +
                                         std::to_string(kLargestPoolWindow) + " on CUDA, got " +
                                         std::to_string(op.kernel));
    }
  }

  size_t workspace_bytes() const override {
    return sums_bytes() + size_t{dy_.rows()} * dy_.channels;
  }
  int launches() const override { return 2; }

  void enqueue(const Place& place) const override {
    const PoolSizes sizes{static_cast<int>(x_.height),  static_cast<int>(x_.width),
                          static_cast<int>(dy_.height), static_cast<int>(dy_.width),
                          static_cast<int>(op_.kernel), static_cast<int>(op_.stride),
                          static_cast<int>(op_.padding)};
    pool_backward(place.runtime, place.stream, type_, windows_.launch(), places_.launch(),
                  sums_.at(place),
                  {place.at<void>(op_.dy), place.at<void>(op_.x), scale_.at(place), bias_.at(place),
                   place.at<void>(op_.dx), static_cast<uint8_t*>(place.workspace) + sums_bytes(),
                   sizes, op_.relu});
  }

 private:
  /// Partial sums lie first.
  size_t sums_bytes() const { return sums_ ? aligned(places_.workspace_bytes(2)) : 0; }

  const ops::PoolBackward& op_;
  Type type_;
  FeatureMap dy_, x_, dx_;
  ChannelPlan windows_, places_;
  VectorOperand scale_, bias_;
  SumsOperand sums_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::PoolBackward& op, const Context& context) {
  return std::make_unique<PoolBackward>(op, context);
}

}  // namespace preresnet::cuda
