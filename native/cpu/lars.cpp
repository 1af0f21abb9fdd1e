// Two passes over all parameters: norms, then velocity and weights.
#include <cmath>
#include <vector>

#include "cpu/parameter_pieces.h"
#include "cpu/passes/vectors.h"

namespace preresnet::cpu {
namespace {

class LarsOperation final : public Operation {
 public:
  LarsOperation(const ops::Lars& op, Context& context)
      : op_(op), context_(context), pieces_(op, context), ratios_(op.offsets.size()) {
    expect_on_host("lars", op);
    expect_plain("lars.velocity", op.velocity, DType::f32);
    ScratchPlan plan(context.scratch);
    sums_ = plan.shared(2 * static_cast<size_t>(pieces_.count()) * sizeof(double));
  }

  void run(const Step& step) override {
    double* sums = context_.scratch.at<double>(sums_);
    const float clip = pieces_.clip_factor(op_.clipNorm, sums);
    pieces_.each([&](const ParameterPiece& piece, int64_t index) {
      sums[2 * index] = passes::sum_of_squares(weights(piece), piece.count);
      sums[2 * index + 1] = passes::sum_of_squares(gradients(piece), piece.count);
    });
    find_ratios(sums, static_cast<double>(clip));
    // What sgd computes with a rate of 1, the rate being a factor of what the velocity takes in.
    pieces_.each([&](const ParameterPiece& piece, int64_t) {
      const double rate = op_.rates[piece.segment] * step.learning_rate * ratios_[piece.segment];
      passes::run(passes::SgdPass{
          .weights = weights(piece),
          .gradients = gradients(piece),
          .velocity = op_.velocity->as<float>() + piece.begin,
          .count = piece.count,
          .clip = static_cast<float>(static_cast<double>(clip) * rate),
          .decay = static_cast<float>(op_.decays[piece.segment] * rate),
          .momentum = static_cast<float>(op_.momentum),
          .rate = 1,
          .nesterov = false,
      });
    });
  }

 private:
  float* weights(const ParameterPiece& piece) const {
    return op_.weights->as<float>() + piece.begin;
  }
  const float* gradients(const ParameterPiece& piece) const {
    return op_.gradients->as<const float>() + piece.begin;
  }

  void find_ratios(const double* sums, double clip) {
    pieces_.each_segment(sums, [&](size_t segment, double of_weights, double of_gradients) {
      const double norm = std::sqrt(of_weights);
      const double divisor = clip * std::sqrt(of_gradients) + op_.decays[segment] * norm;
      const bool adapts = op_.coefficients[segment] > 0 && norm > 0 && divisor > 0;
      ratios_[segment] = adapts ? op_.coefficients[segment] * norm / divisor : 1;
    });
  }

  const ops::Lars& op_;
  Context& context_;
  ParameterPieces pieces_;
  std::vector<double> ratios_;
  SharedRange sums_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Lars& op, Context& context) {
  return std::make_unique<LarsOperation>(op, context);
}

}  // namespace preresnet::cpu
