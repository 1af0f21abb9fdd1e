// The reference executor's operations: plain loops in double, to be read beside contracts.json.
// Never optimised: they are the judge.
#pragma once
#include <cstddef>

#include "interfaces/executor.h"

namespace preresnet::reference {

/// What an operation gets beside its operands.
struct Call {
  const Step& step;
  double* scratch;  // scratch_doubles() of them, contents undefined
};

void run(const ops::Input&, const Call&);
void run(const ops::Conv&, const Call&);
void run(const ops::ConvBackward&, const Call&);
void run(const ops::ConvBackwardData&, const Call&);
void run(const ops::ConvBackwardNorm&, const Call&);
void run(const ops::ConvBackwardWeights&, const Call&);
void run(const ops::BnRelu&, const Call&);
void run(const ops::ResidualAdd&, const Call&);
void run(const ops::ReluBackward&, const Call&);
void run(const ops::BnFinalize&, const Call&);
void run(const ops::BnBackward&, const Call&);
void run(const ops::BnApplyBackward&, const Call&);
void run(const ops::BnReluPool&, const Call&);
void run(const ops::PoolBackward&, const Call&);
void run(const ops::Head&, const Call&);
void run(const ops::HeadBackward&, const Call&);
void run(const ops::Linear&, const Call&);
void run(const ops::LinearBackward&, const Call&);
void run(const ops::SoftmaxCrossEntropy&, const Call&);
void run(const ops::Softmax&, const Call&);
void run(const ops::Pointwise&, const Call&);
void run(const ops::ComputeWeights&, const Call&);
void run(const ops::CheckGradients&, const Call&);
void run(const ops::Sgd&, const Call&);

template <class Op>
size_t scratch_doubles(const Op&) {
  return 0;
}
size_t scratch_doubles(const ops::Conv&);
size_t scratch_doubles(const ops::ConvBackward&);
size_t scratch_doubles(const ops::ConvBackwardData&);
size_t scratch_doubles(const ops::ConvBackwardNorm&);
size_t scratch_doubles(const ops::ConvBackwardWeights&);
size_t scratch_doubles(const ops::Pointwise&);

}  // namespace preresnet::reference
