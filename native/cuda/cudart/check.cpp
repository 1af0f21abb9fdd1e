#include "cuda/cudart/check.h"

#include <cstring>
#include <string>

#include "core/error.h"

namespace preresnet::cuda::cudart {
namespace {

const char* remedy(cudaError_t error) {
  switch (error) {
    case cudaErrorNoKernelImageForDevice:
      return "; this build has no machine code for this GPU: build for its architecture";
    case cudaErrorInsufficientDriver:
      return "; the NVIDIA driver is too old";
    case cudaErrorNoDevice:
      return "; no GPU can be seen";
    default:
      return "";
  }
}

}  // namespace

void check(cudaError_t error, const char* call, const char* file, int line) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // else later calls report it again
  const char* name = std::strrchr(file, '/');
  throw Error("ERR_DEVICE", std::string("CUDA: ") + cudaGetErrorString(error) + " (" +
                                cudaGetErrorName(error) + ") in " + call + ", " +
                                (name == nullptr ? file : name + 1) + ":" + std::to_string(line) +
                                remedy(error));
}

}  // namespace preresnet::cuda::cudart
