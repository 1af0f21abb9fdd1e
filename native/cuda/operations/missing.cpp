// For as long as some of operation.h is not written: weak, so that what is written takes its place.
#include "core/error.h"
#include "cuda/operation.h"
#include "cuda/emulation/blocks.h"

namespace preresnet::cuda {

#define MISSING(Name)                                                                        \
  __attribute__((weak)) std::unique_ptr<Operation> prepare(const ops::Name&, const Context&) { \
    throw Error("ERR_UNSUPPORTED", std::string(ops::Name::kName) + " is not written yet");   \
  }
MISSING(Input)
MISSING(Conv)
MISSING(ConvBackwardData)
MISSING(ConvBackwardNorm)
MISSING(ConvBackwardWeights)
MISSING(BnRelu)
MISSING(ResidualAdd)
MISSING(ReluBackward)
MISSING(BnFinalize)
MISSING(BnBackward)
MISSING(BnApplyBackward)
MISSING(BnReluPool)
MISSING(PoolBackward)
MISSING(Head)
MISSING(HeadBackward)
MISSING(Linear)
MISSING(LinearBackward)
MISSING(SoftmaxCrossEntropy)
MISSING(Softmax)
MISSING(Pointwise)
MISSING(ComputeWeights)
MISSING(CheckGradients)
MISSING(Sgd)
#undef MISSING

__attribute__((weak)) std::unique_ptr<Convolutions> make_convolutions(Runtime&) { return nullptr; }

namespace emulation {
__attribute__((weak)) void run_blocks(Dim3, Dim3, const std::function<void()>&) {
  throw Error("ERR_UNSUPPORTED", "run_blocks is not written yet");
}
}  // namespace emulation

}  // namespace preresnet::cuda
