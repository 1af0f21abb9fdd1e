// Sums of d and d * x to the gradients of a norm's parameters, and to a, b, c of dx = a d + b x +
// c.
#include "core/tree.h"
#include "cpu/context.h"
#include "cpu/operands.h"

namespace preresnet::cpu {
namespace {

class BnBackwardOperation final : public Operation {
 public:
  explicit BnBackwardOperation(const ops::BnBackward& op) : op_(op) {
    expect_plain("bn_backward.sums", op.sums, DType::f64);
    expect_plain("bn_backward.weight", op.weight, DType::f32);
    expect_plain("bn_backward.mean", op.mean, DType::f32);
    expect_plain("bn_backward.invstd", op.invstd, DType::f32);
    expect_plain("bn_backward.dweight", op.dweight, DType::f32);
    expect_plain("bn_backward.dbeta", op.dbeta, DType::f32);
    expect_plain("bn_backward.a", op.a, DType::f32);
    expect_plain("bn_backward.b", op.b, DType::f32);
    expect_plain("bn_backward.c", op.c, DType::f32);
  }

  void run(const Step&) override {
    for (int64_t c = 0; c < op_.mean->dim(1); ++c) channel(c);
  }

 private:
  void channel(int64_t c) const {
    const int64_t groups = op_.mean->dim(0), channels = op_.mean->dim(1);
    const auto n = static_cast<double>(op_.count);
    TreeSum<float> dweight(groups), dbeta(groups);
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t i = group * channels + c;
      const double* sums = op_.sums->as<const double>() + group * 2 * channels;
      const double s = sums[c], q = sums[channels + c];
      const double mean = op_.mean->as<const float>()[i];
      const double invstd = op_.invstd->as<const float>()[i];
      const double dweight_here = invstd * (q - mean * s);
      const double a = op_.weight->as<const float>()[c] * invstd;
      const double b = op_.frozen ? 0 : -a * invstd * dweight_here / n;
      dweight.add(static_cast<float>(dweight_here));
      dbeta.add(static_cast<float>(s));
      op_.a->as<float>()[i] = static_cast<float>(a);
      op_.b->as<float>()[i] = static_cast<float>(b);
      op_.c->as<float>()[i] = op_.frozen ? 0 : static_cast<float>(-a * s / n - b * mean);
    }
    if (op_.dweight != nullptr) op_.dweight->as<float>()[c] = dweight.total();
    if (op_.dbeta != nullptr) op_.dbeta->as<float>()[c] = dbeta.total();
  }

  const ops::BnBackward& op_;
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::BnBackward& op, Context&) {
  return std::make_unique<BnBackwardOperation>(op);
}

}  // namespace preresnet::cpu
