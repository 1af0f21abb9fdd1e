#include "core/error.h"
#include "cuda/operation.h"

namespace preresnet::cuda {

std::unique_ptr<Operation> prepare(const ops::ConvBackward&, const Context&) {
  throw Error("ERR_UNSUPPORTED",
              "conv_backward does the work of several launches; expected conv_backward_data, "
              "conv_backward_weights and bn_apply_backward instead");
}

}  // namespace preresnet::cuda
