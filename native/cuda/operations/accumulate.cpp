#include "core/error.h"
#include "cuda/operation.h"

namespace preresnet::cuda {

std::unique_ptr<DeviceOperation> prepare(const ops::Accumulate&, const Context&) {
  throw Error("ERR_UNSUPPORTED", "accumulate: expected one accumulation a step on CUDA");
}

}  // namespace preresnet::cuda
