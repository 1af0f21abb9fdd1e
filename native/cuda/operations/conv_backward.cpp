#include "core/error.h"
#include "cuda/operation.h"

namespace preresnet::cuda {

std::unique_ptr<DeviceOperation> prepare(const ops::ConvBackward&, const Context&) {
  throw Error("ERR_UNSUPPORTED",
              "conv_backward: expected conv_backward_data and conv_backward_weights on CUDA");
}

}  // namespace preresnet::cuda
