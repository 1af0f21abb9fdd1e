// Two passes over all parameters: moments and norms, then the weights.
#include <vector>

#include "cpu/moments.h"

namespace preresnet::cpu {
namespace {

class LambOperation final : public Operation {
 public:
  LambOperation(const ops::Lamb& op, Context& context)
      : op_(op), moments_("lamb", op, context, 2), ratios_(op.offsets.size()) {}

  void run(const Step& step) override {
    const passes::MomentsPass pass = moments_.begin(step);
    double* sums = moments_.sums();
    moments_.pieces().each([&](const ParameterPiece& piece, int64_t index) {
      double two[2] = {};
      passes::lamb_moments(moments_.of(piece, step, pass), two);
      sums[2 * index] = two[0];
      sums[2 * index + 1] = two[1];
    });
    find_ratios(sums);
    moments_.pieces().each([&](const ParameterPiece& piece, int64_t) {
      passes::MomentsPass scaled = moments_.of(piece, step, pass);
      const double rate = op_.rates[piece.segment] * step.learning_rate;
      scaled.rate = static_cast<float>(rate * ratios_[piece.segment]);
      passes::lamb(scaled);
    });
  }

 private:
  void find_ratios(const double* sums) {
    moments_.pieces().each_segment(
        sums, [&](size_t segment, double of_weights, double of_directions) {
          const bool adapts = op_.decays[segment] > 0 && of_weights > 0 && of_directions > 0;
          ratios_[segment] = adapts ? std::sqrt(of_weights) / std::sqrt(of_directions) : 1;
        });
  }

  const ops::Lamb& op_;
  Moments<ops::Lamb> moments_;
  std::vector<double> ratios_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Lamb& op, Context& context) {
  return std::make_unique<LambOperation>(op, context);
}

}  // namespace preresnet::cpu
