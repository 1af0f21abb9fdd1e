// What the poolings and their gradients share.
#pragma once
#include <memory>
#include <string>

#include "cuda/kernels/pool.h"
#include "cuda/operations/operands.h"

namespace preresnet::cuda {

/// Of a window that slides over x and gives one pixel of y, or of y's gradient.
template <class Op>
PoolSizes pool_sizes(const Op& op, const FeatureMap& x, const FeatureMap& y) {
  return {static_cast<int>(x.height),  static_cast<int>(x.width),   static_cast<int>(y.height),
          static_cast<int>(y.width),   static_cast<int>(op.kernel), static_cast<int>(op.stride),
          static_cast<int>(op.padding)};
}

/// y from each window of t(x), by the launch kPool.
template <class Op, auto kPool>
class BnReluPooling final : public DeviceOperation {
 public:
  BnReluPooling(const Op& op, const Context& context)
      : op_(op),
        type_(context.storage),
        x_(feature_map(std::string(Op::kName) + ".x", op.x, context)),
        y_(feature_map(std::string(Op::kName) + ".y", op.y, context)),
        plan_(Op::kName, y_, {op.scale, op.bias}, op.sums, context),
        scale_(plan_.vector(op.scale)),
        bias_(plan_.vector(op.bias)),
        sums_(plan_.sums(op.sums)) {}

  size_t workspace_bytes() const override { return sums_ ? plan_.workspace_bytes(2) : 0; }

  void enqueue(const StreamContext& on) const override {
    kPool(on.runtime, on.stream, type_, plan_.launch(), sums_.at(on),
          {on.at<void>(op_.x), scale_.at(on), bias_.at(on), on.at<void>(op_.y),
           pool_sizes(op_, x_, y_), op_.relu});
  }

 private:
  const Op& op_;
  Type type_;
  FeatureMap x_, y_;
  ChannelPlan plan_;
  VectorOperand scale_, bias_;
  SumsOperand sums_;
};

}  // namespace preresnet::cuda
