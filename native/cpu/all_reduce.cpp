// Gradients and metrics of all ranks: what was begun before arrives, and the rest is added now.
#include <vector>

#include "cpu/begun_reductions.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "cpu/tree_rows.h"

namespace preresnet::cpu {
namespace {

class AllReduceOperation final : public Operation {
 public:
  AllReduceOperation(const ops::AllReduce& op, Context& context)
      : AllReduceOperation(op, context, context.begun.end(op)) {}

  void run(const Step& step) override {
    if (!begun_.empty()) {
      courier_->finish();
      for (const auto& arrive : begun_) arrive();
    }
    float* packed = context_.scratch.at<float>(packed_);
    for (int64_t piece = 0; piece < sums_.pieces(); ++piece) {
      sums_.pack(piece, packed);
      sums_.add(*step.ranks, piece, packed, context_.scratch.at<float>(theirs_),
                context_.scratch.at<float>(waiting_));
      sums_.unpack(piece, packed);
    }
    if (op_.metrics != nullptr) add_metrics(*step.ranks);
  }

 private:
  AllReduceOperation(const ops::AllReduce& op, Context& context, BegunReductions::Ending ending)
      : op_(op),
        context_(context),
        begun_(std::move(ending.arrive)),
        sums_(op.gradients, std::move(ending.rest), op.ranks, op.fast) {
    expect_plain("all_reduce.gradients", op.gradients, DType::f32);
    expect_plain("all_reduce.metrics", op.metrics, DType::f64);
    if (!begun_.empty()) courier_ = context.begun.courier();
    ScratchPlan plan(context.scratch);
    packed_ = plan.shared(sums_.piece_bytes());
    theirs_ = plan.shared(sums_.piece_bytes());
    waiting_ = plan.shared(sums_.waiting_bytes());
  }

  void add_metrics(Communicator& ranks) const {
    auto* metrics = op_.metrics->as<double>();
    std::vector<double> all(static_cast<size_t>(op_.ranks * 4));
    ranks.all_gather(metrics, all.data(), 4 * sizeof(double));
    for (int64_t i = 0; i < 4; ++i) {
      TreeSum<double> sum(op_.ranks);
      for (int64_t rank = 0; rank < op_.ranks; ++rank) {
        sum.add(all[static_cast<size_t>(rank * 4 + i)]);
      }
      metrics[i] = sum.total();
    }
  }

  const ops::AllReduce& op_;
  Context& context_;
  const std::vector<BegunReductions::Arrive> begun_;
  const GradientSums sums_;
  std::shared_ptr<Courier> courier_;
  SharedRange packed_, theirs_, waiting_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::AllReduce& op, Context& context) {
  return std::make_unique<AllReduceOperation>(op, context);
}

}  // namespace preresnet::cpu
