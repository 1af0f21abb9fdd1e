// All parameters in one pass.
#include "cpu/parameter_pieces.h"
#include "cpu/passes/vectors.h"

namespace preresnet::cpu {
namespace {

class SgdOperation final : public Operation {
 public:
  SgdOperation(const ops::Sgd& op, Context& context)
      : op_(op), context_(context), pieces_(op, context) {
    expect_on_host("sgd", op);
    expect_plain("sgd.velocity", op.velocity, DType::f32);
    ScratchPlan plan(context.scratch);
    squares_ = plan.shared(op.clipNorm > 0 ? size_of_squares() : 0);
  }

  void run(const Step& step) override {
    const float clip = pieces_.clip_factor(op_.clipNorm, context_.scratch.at<double>(squares_));
    pieces_.each([&](const ParameterPiece& piece, int64_t) {
      passes::run(passes::SgdPass{
          .weights = op_.weights->as<float>() + piece.begin,
          .gradients = op_.gradients->as<const float>() + piece.begin,
          .velocity = op_.velocity->as<float>() + piece.begin,
          .count = piece.count,
          .clip = clip,
          .decay = static_cast<float>(op_.decays[piece.segment]),
          .momentum = static_cast<float>(op_.momentum),
          .rate = static_cast<float>(op_.rates[piece.segment] * step.learning_rate),
          .nesterov = op_.nesterov,
      });
    });
  }

 private:
  size_t size_of_squares() const { return static_cast<size_t>(pieces_.count()) * sizeof(double); }

  const ops::Sgd& op_;
  Context& context_;
  ParameterPieces pieces_;
  SharedRange squares_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Sgd& op, Context& context) {
  return std::make_unique<SgdOperation>(op, context);
}

}  // namespace preresnet::cpu
