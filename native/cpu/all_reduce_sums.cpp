// Sums of a norm over all ranks: its statistics, and in the backward pass what its gradient needs.
#include <algorithm>

#include "core/tree.h"
#include "cpu/context.h"
#include "cpu/operands.h"
#include "interfaces/communicator.h"

namespace preresnet::cpu {
namespace {

class AllReduceSumsOperation final : public Operation {
 public:
  AllReduceSumsOperation(const ops::AllReduceSums& op, Context& context)
      : op_(op), context_(context), count_(element_count(*op.sums)) {
    expect_plain("all_reduce_sums.sums", op.sums, DType::f64);
    expect_plain("all_reduce_sums.total", op.total, DType::f64);
    ScratchPlan plan(context.scratch);
    all_ = plan.shared(static_cast<size_t>(op.ranks) * bytes());
  }

  void run(const Step& step) override {
    const auto* own = op_.sums->as<const double>();
    auto* total = op_.total->as<double>();
    if (step.ranks == nullptr) {
      const auto ranks = static_cast<double>(op_.ranks);
      std::transform(own, own + count_, total, [&](double sum) { return ranks * sum; });
      return;
    }
    double* all = context_.scratch.at<double>(all_);
    step.ranks->all_gather(own, all, bytes());
    for (int64_t i = 0; i < count_; ++i) {
      TreeSum<double> sum(op_.ranks);
      for (int64_t rank = 0; rank < op_.ranks; ++rank) sum.add(all[rank * count_ + i]);
      total[i] = sum.total();
    }
  }

 private:
  size_t bytes() const { return static_cast<size_t>(count_) * sizeof(double); }

  const ops::AllReduceSums& op_;
  Context& context_;
  const int64_t count_;
  SharedRange all_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::AllReduceSums& op, Context& context) {
  return std::make_unique<AllReduceSumsOperation>(op, context);
}

}  // namespace preresnet::cpu
