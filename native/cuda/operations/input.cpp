#include "cuda/kernels/input.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "cuda/operations/operands.h"

namespace preresnet::cuda {
namespace {

class Input final : public DeviceOperation {
 public:
  Input(const ops::Input& op, const Context& context)
      : op_(op), type_(context.storage), x_(feature_map("input.x", op.x, context)) {
    expect("input.images", op.images, DType::u8, Layout::plain);
    expect("input.crops", op.crops, DType::i32, Layout::plain);
    const int64_t channels = op.images->dim(3);
    if (channels > kInputChannels) {
      throw Error("ERR_UNSUPPORTED", "input.images: expected at most " +
                                         std::to_string(kInputChannels) +
                                         " channels on CUDA, got " + std::to_string(channels));
    }
    if (int64_t{x_.rows()} * (x_.channels / 8) > std::numeric_limits<int32_t>::max()) {
      throw Error("ERR_UNSUPPORTED",
                  "input.x: expected less than 2^34 elements on CUDA, got a larger tensor");
    }
    parameters_.images_count = static_cast<int>(x_.images);
    parameters_.stored_height = static_cast<int>(op.images->dim(1));
    parameters_.stored_width = static_cast<int>(op.images->dim(2));
    parameters_.channels = static_cast<int>(channels);
    parameters_.height = static_cast<int>(x_.height);
    parameters_.width = static_cast<int>(x_.width);
    parameters_.pad = static_cast<int>(op.pad);
    std::copy(op.mean.begin(), op.mean.end(), parameters_.mean);
    std::copy(op.std.begin(), op.std.end(), parameters_.std);
  }

  void enqueue(const StreamContext& on) const override {
    InputParameters parameters = parameters_;
    parameters.images = on.at<const uint8_t>(op_.images);
    parameters.crops = on.at<const int32_t>(op_.crops);
    parameters.x = on.at<void>(op_.x);
    input(on.runtime, on.stream, type_, parameters);
  }

 private:
  const ops::Input& op_;
  Type type_;
  FeatureMap x_;
  InputParameters parameters_{};
};

}  // namespace

std::unique_ptr<DeviceOperation> prepare(const ops::Input& op, const Context& context) {
  return std::make_unique<Input>(op, context);
}

}  // namespace preresnet::cuda
