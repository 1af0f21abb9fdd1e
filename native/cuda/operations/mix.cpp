#include "cuda/kernels/mix.h"

#include <limits>

#include "core/error.h"
#include "cuda/operations/operands.h"
#include "cuda/operations/sizes.h"

namespace preresnet::cuda {
namespace {

class Mix final : public DeviceOperation {
 public:
  Mix(const ops::Mix& op, const Context& context)
      : op_(op),
        type_(context.storage),
        x_(feature_map("mix.x", op.x, context)),
        y_(feature_map("mix.y", op.y, context)) {
    expect("mix.labels", op.labels, DType::i32, Layout::plain);
    expect("mix.mixes", op.mixes, DType::i32, Layout::plain);
    expect("mix.targets", op.targets, DType::f32, Layout::plain);
    if (int64_t{x_.rows()} * (x_.channels / 8) > std::numeric_limits<int32_t>::max()) {
      throw Error("ERR_UNSUPPORTED",
                  "mix.x: expected less than 2^34 elements on CUDA, got a larger tensor");
    }
    parameters_.images = static_cast<int>(x_.images);
    parameters_.height = static_cast<int>(x_.height);
    parameters_.width = static_cast<int>(x_.width);
    parameters_.channels = static_cast<int>(x_.channels);
    parameters_.samples = size_of_plain("mix.targets", op.targets, 0);
    parameters_.classes = size_of_plain("mix.targets", op.targets, 1);
    parameters_.smoothing = static_cast<float>(op.smoothing);
  }

  int launches() const override { return 2; }

  void enqueue(const StreamContext& on) const override {
    MixParameters parameters = parameters_;
    parameters.x = on.at<const void>(op_.x);
    parameters.labels = on.at<const int32_t>(op_.labels);
    parameters.mixes = on.at<const int32_t>(op_.mixes);
    parameters.y = on.at<void>(op_.y);
    parameters.targets = on.at<float>(op_.targets);
    mix_images(on.runtime, on.stream, type_, parameters);
    mix_targets(on.runtime, on.stream, parameters);
  }

 private:
  const ops::Mix& op_;
  Type type_;
  FeatureMap x_, y_;
  MixParameters parameters_{};
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::Mix& op, const Context& context) {
  return std::make_unique<Mix>(op, context);
}

}  // namespace preresnet::cuda
