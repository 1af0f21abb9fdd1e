// What adamw and lamb prepare and hand to their passes.
#pragma once
#include <cmath>
#include <string>

#include "cpu/parameter_pieces.h"
#include "cpu/passes/moments.h"

namespace preresnet::cpu {

template <class Op>
class Moments {
 public:
  /// `sums`: doubles a piece.
  Moments(const std::string& name, const Op& op, Context& context, size_t sums)
      : op_(op), context_(context), pieces_(op, context) {
    expect_on_host(name, op);
    expect_plain(name + ".firstMoment", op.firstMoment, DType::f32);
    expect_plain(name + ".secondMoment", op.secondMoment, DType::f32);
    ScratchPlan plan(context.scratch);
    const size_t bytes = static_cast<size_t>(pieces_.count()) * sizeof(double);
    sums_ = plan.shared(bytes * std::max(sums, size_t{op.clipNorm > 0 ? 1u : 0u}));
  }

  const ParameterPieces& pieces() const { return pieces_; }
  double* sums() const { return context_.scratch.at<double>(sums_); }

  /// Of any piece of this step.
  passes::MomentsPass begin(const Step& step) const {
    const double count = static_cast<double>(step.index) + 1;
    return {
        .clip = pieces_.clip_factor(op_.clipNorm, sums()),
        .beta1 = static_cast<float>(op_.beta1),
        .rest1 = static_cast<float>(1 - op_.beta1),
        .beta2 = static_cast<float>(op_.beta2),
        .rest2 = static_cast<float>(1 - op_.beta2),
        .epsilon = static_cast<float>(op_.epsilon),
        .first = static_cast<float>(1 / (1 - std::pow(op_.beta1, count))),
        .second = static_cast<float>(1 / (1 - std::pow(op_.beta2, count))),
    };
  }
  passes::MomentsPass of(const ParameterPiece& piece, const Step& step,
                         passes::MomentsPass pass) const {
    pass.weights = op_.weights->template as<float>() + piece.begin;
    pass.gradients = op_.gradients->template as<const float>() + piece.begin;
    pass.first_moment = op_.firstMoment->template as<float>() + piece.begin;
    pass.second_moment = op_.secondMoment->template as<float>() + piece.begin;
    pass.count = piece.count;
    pass.decay = static_cast<float>(op_.decays[piece.segment]);
    pass.rate = static_cast<float>(op_.rates[piece.segment] * step.learning_rate);
    return pass;
  }

 private:
  const Op& op_;
  Context& context_;
  ParameterPieces pieces_;
  SharedRange sums_;
};

}  // namespace preresnet::cpu
