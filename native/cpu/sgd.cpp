// All parameters in one pass, in pieces of a fixed length that threads share out.
#include <algorithm>
#include <cmath>

#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/passes/vectors.h"

namespace preresnet::cpu {
namespace {

class SgdOperation final : public Operation {
 public:
  SgdOperation(const ops::Sgd& op, Context& context) : op_(op), context_(context) {
    ScratchPlan plan(context.scratch);
    expect_plain("sgd.weights", op.weights, DType::f32);
    expect_plain("sgd.gradients", op.gradients, DType::f32);
    expect_plain("sgd.velocity", op.velocity, DType::f32);
    expect_none("sgd.weightGradients", op.weightGradients);
    expect_none("sgd.copies", op.copies);
    expect_none("sgd.scaler", op.scaler);
    constexpr int64_t kPiece = 1 << 14;
    for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
      const int64_t end = op.offsets[segment] + op.lengths[segment];
      for (int64_t begin = op.offsets[segment]; begin < end; begin += kPiece) {
        pieces_.push_back({segment, begin, std::min(kPiece, end - begin)});
      }
    }
    if (op.clipNorm > 0) squares_ = plan.shared(pieces_.size() * sizeof(double));
  }

  void run(const Step& step) override {
    const float clip = op_.clipNorm > 0 ? clip_factor() : 1.0f;
    each_piece([&](const Piece& piece, int64_t) {
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
  struct Piece {
    size_t segment;
    int64_t begin, count;
  };

  /// Many short segments (norms) make a task together.
  template <class Function>
  void each_piece(Function&& function) {
    constexpr int64_t kPiecesATask = 8;
    const auto pieces = static_cast<int64_t>(pieces_.size());
    context_.pool.run((pieces + kPiecesATask - 1) / kPiecesATask, [&](int, int64_t task) {
      const int64_t end = std::min((task + 1) * kPiecesATask, pieces);
      for (int64_t i = task * kPiecesATask; i < end; ++i) {
        function(pieces_[static_cast<size_t>(i)], i);
      }
    });
  }

  float clip_factor() {
    auto* squares = context_.scratch.at<double>(squares_);
    each_piece([&](const Piece& piece, int64_t index) {
      squares[index] =
          passes::sum_of_squares(op_.gradients->as<const float>() + piece.begin, piece.count);
    });
    double sum = 0;
    for (size_t i = 0; i < pieces_.size(); ++i) sum += squares[i];
    const double norm = std::sqrt(sum);
    return norm > op_.clipNorm ? static_cast<float>(op_.clipNorm / norm) : 1.0f;
  }

  const ops::Sgd& op_;
  Context& context_;
  std::vector<Piece> pieces_;
  SharedRange squares_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Sgd& op, Context& context) {
  return std::make_unique<SgdOperation>(op, context);
}

}  // namespace preresnet::cpu
