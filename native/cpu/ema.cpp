// Moving averages of parameters and of running statistics, in one pass over each row.
#include <algorithm>

#include "cpu/context.h"
#include "cpu/operands.h"

namespace preresnet::cpu {
namespace {

class EmaOperation final : public Operation {
 public:
  EmaOperation(const ops::Ema& op, Context& context) : op_(op), context_(context) {
    expect_plain("ema.weights", op.weights, DType::f32);
    expect_plain("ema.averages", op.averages, DType::f32);
    expect_plain("ema.statistics", op.statistics, DType::f32);
    expect_plain("ema.averagedStatistics", op.averagedStatistics, DType::f32);
    expect_none("ema.scaler", op.scaler);
  }

  void run(const Step& step) override {
    const auto index = static_cast<int64_t>(step.index);
    const bool copies = index <= op_.after;
    if (!copies && index % op_.every != 0) return;
    follow(op_.weights, op_.averages, copies);
    if (op_.statistics != nullptr) follow(op_.statistics, op_.averagedStatistics, copies);
  }

 private:
  void follow(const Tensor* values, const Tensor* averages, bool copies) {
    constexpr int64_t kPiece = 1 << 16;
    const int64_t count = averages->dim(0);
    const auto share = static_cast<float>(1 - op_.decay);
    context_.pool.run((count + kPiece - 1) / kPiece, [&](int, int64_t piece) {
      const int64_t begin = piece * kPiece;
      const int64_t length = std::min(kPiece, count - begin);
      const float* from = values->as<const float>() + begin;
      float* to = averages->as<float>() + begin;
      if (copies) {
        std::copy_n(from, length, to);
      } else {
        for (int64_t i = 0; i < length; ++i) to[i] += share * (from[i] - to[i]);
      }
    });
  }

  const ops::Ema& op_;
  Context& context_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Ema& op, Context& context) {
  return std::make_unique<EmaOperation>(op, context);
}

}  // namespace preresnet::cpu
