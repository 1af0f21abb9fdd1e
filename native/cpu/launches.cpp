// Launches of a GPU: programs for the CPU have conv and conv_backward, which do their work in one
// pass, and no copies of the weights.
#include <string>

#include "core/error.h"
#include "cpu/context.h"

namespace preresnet::cpu {
namespace {

template <class Op>
[[noreturn]] void refuse(const Op&) {
  throw Error("ERR_UNSUPPORTED",
              std::string("operation: expected one that the CPU has, got ") + Op::kName);
}

}  // namespace

std::unique_ptr<Operation> prepare(const ops::ConvBackwardData& op, Context&) { refuse(op); }
std::unique_ptr<Operation> prepare(const ops::ConvBackwardNorm& op, Context&) { refuse(op); }
std::unique_ptr<Operation> prepare(const ops::ConvBackwardWeights& op, Context&) { refuse(op); }
std::unique_ptr<Operation> prepare(const ops::BnRelu& op, Context&) { refuse(op); }
std::unique_ptr<Operation> prepare(const ops::ResidualAdd& op, Context&) { refuse(op); }
std::unique_ptr<Operation> prepare(const ops::ReluBackward& op, Context&) { refuse(op); }
std::unique_ptr<Operation> prepare(const ops::ComputeWeights& op, Context&) { refuse(op); }
std::unique_ptr<Operation> prepare(const ops::CheckGradients& op, Context&) { refuse(op); }

}  // namespace preresnet::cpu
