// Sums to mean, invstd, scale and bias per group and channel, and to running statistics; without
// sums, from those.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <optional>

#include "cpu/context.h"
#include "cpu/operands.h"

namespace preresnet::cpu {
namespace {

class BnFinalizeOperation final : public Operation {
 public:
  BnFinalizeOperation(const ops::BnFinalize& op, Context& context) : op_(op), context_(context) {
    expect_plain("bn_finalize.sums", op.sums, DType::f64);
    expect_plain("bn_finalize.weight", op.weight, DType::f32);
    expect_plain("bn_finalize.beta", op.beta, DType::f32);
    expect_plain("bn_finalize.runningMean", op.runningMean, DType::f32);
    expect_plain("bn_finalize.runningVar", op.runningVar, DType::f32);
    expect_plain("bn_finalize.mean", op.mean, DType::f32);
    expect_plain("bn_finalize.invstd", op.invstd, DType::f32);
    expect_plain("bn_finalize.scale", op.scale, DType::f32);
    expect_plain("bn_finalize.bias", op.bias, DType::f32);
    expect_none("bn_finalize.scaleStored", op.scaleStored);
    expect_none("bn_finalize.biasStored", op.biasStored);
    keeps_ = context.keep_weights && op.sums == nullptr;
    if (!keeps_) return;
    ScratchPlan plan(context.scratch);
    kept_ = plan.kept(4 * row_bytes());
  }

  void run(const Step& step) override {
    if (version_ == step.weights_version) {
      each_kept([](float* row, float* kept, size_t bytes) { std::memcpy(row, kept, bytes); });
      return;
    }
    for (int64_t group = 0; group < op_.mean->dim(0); ++group) finalize(group, step);
    if (!keeps_) return;
    each_kept([](float* row, float* kept, size_t bytes) { std::memcpy(kept, row, bytes); });
    version_ = step.weights_version;
  }

 private:
  size_t row_bytes() const {
    return static_cast<size_t>(op_.mean->dim(0) * op_.mean->dim(1)) * sizeof(float);
  }

  template <class Function>
  void each_kept(Function&& function) const {
    auto* kept = context_.scratch.at<std::byte>(kept_);
    for (const Tensor* row : {op_.mean, op_.invstd, op_.scale, op_.bias}) {
      function(row->as<float>(), reinterpret_cast<float*>(kept), row_bytes());
      kept += row_bytes();
    }
  }

  void finalize(int64_t group, const Step& step) const {
    const int64_t channels = op_.mean->dim(1), at = group * channels;
    const auto n = static_cast<double>(op_.count);
    const double* sums =
        op_.sums == nullptr ? nullptr : op_.sums->as<const double>() + group * 2 * channels;
    auto* running_mean = op_.runningMean->as<float>();
    auto* running_var = op_.runningVar->as<float>();
    for (int64_t c = 0; c < channels; ++c) {
      double mean = running_mean[c], var = running_var[c];
      if (sums != nullptr) {
        mean = sums[c] / n;
        var = std::max(sums[channels + c] / n - mean * mean, 0.0);
        if (group == 0 && step.leads()) {
          running_mean[c] += static_cast<float>(op_.momentum * (mean - running_mean[c]));
          running_var[c] += static_cast<float>(op_.momentum * (var * n / (n - 1) - running_var[c]));
        }
      }
      const double invstd = 1 / std::sqrt(var + op_.epsilon);
      const double scale = op_.weight->as<const float>()[c] * invstd;
      op_.mean->as<float>()[at + c] = static_cast<float>(mean);
      op_.invstd->as<float>()[at + c] = static_cast<float>(invstd);
      op_.scale->as<float>()[at + c] = static_cast<float>(scale);
      op_.bias->as<float>()[at + c] =
          static_cast<float>(op_.beta->as<const float>()[c] - mean * scale);
    }
  }

  const ops::BnFinalize& op_;
  Context& context_;
  // From running statistics, which stand from run to run: their roots and quotients are not made
  // again for every image.
  bool keeps_ = false;
  SharedRange kept_;
  std::optional<uint64_t> version_;  // of the weights for which they were kept
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::BnFinalize& op, Context& context) {
  return std::make_unique<BnFinalizeOperation>(op, context);
}

}  // namespace preresnet::cpu
