// Gradients that are there go on their way while the backward pass makes the others.
#include <utility>

#include "cpu/begun_reductions.h"
#include "cpu/context.h"
#include "cpu/operands.h"

namespace preresnet::cpu {
namespace {

class AllReduceBeginOperation final : public Operation {
 public:
  AllReduceBeginOperation(const ops::AllReduceBegin& op, Context& context)
      : context_(context),
        courier_(context.begun.courier()),
        sums_(op.gradients, segments_of(op), op.ranks, op.fast) {
    expect_plain("all_reduce_begin.gradients", op.gradients, DType::f32);
    ScratchPlan plan(context.scratch);
    packed_ = plan.kept(static_cast<size_t>(sums_.pieces()) * sums_.piece_bytes());
    theirs_ = plan.kept(sums_.piece_bytes());
    waiting_ = plan.kept(sums_.waiting_bytes());
    context.begun.add(op, [this] { arrive(); });
  }
  ~AllReduceBeginOperation() override { courier_->drain(); }

  void run(const Step& step) override {
    if (step.ranks == nullptr) return;
    parcel_.sums = &sums_;
    parcel_.packed = context_.scratch.at<float>(packed_);
    parcel_.theirs = context_.scratch.at<float>(theirs_);
    parcel_.waiting = context_.scratch.at<float>(waiting_);
    for (int64_t piece = 0; piece < sums_.pieces(); ++piece) sums_.pack(piece, at(piece));
    courier_->take(parcel_, *step.ranks);
  }

  std::optional<Span> beside() const override {
    if (parcel_.sums == nullptr) return std::nullopt;
    return Span{parcel_.begin, parcel_.end};
  }

 private:
  float* at(int64_t piece) const {
    return parcel_.packed + static_cast<size_t>(piece) * sums_.piece_bytes() / sizeof(float);
  }
  void arrive() const {
    for (int64_t piece = 0; piece < sums_.pieces(); ++piece) sums_.unpack(piece, at(piece));
  }

  Context& context_;
  const std::shared_ptr<Courier> courier_;
  const GradientSums sums_;
  SharedRange packed_, theirs_, waiting_;
  Parcel parcel_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::AllReduceBegin& op, Context& context) {
  return std::make_unique<AllReduceBeginOperation>(op, context);
}

}  // namespace preresnet::cpu
