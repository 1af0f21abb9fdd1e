#include "core/error.h"
#include "cuda/operation.h"

namespace preresnet::cuda {

std::unique_ptr<DeviceOperation> prepare(const ops::AllReduceBegin&, const Context&) {
  throw Error("ERR_UNSUPPORTED", "all_reduce_begin: expected one rank on CUDA");
}

}  // namespace preresnet::cuda
