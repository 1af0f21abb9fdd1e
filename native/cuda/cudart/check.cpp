#include "cuda/cudart/check.h"

#include <cstring>
#include <string>

#include "core/error.h"

namespace preresnet::cuda::cudart {
namespace {

/// Those of which CUDA says that any further work returns the same error, in this process.
bool ends_process(cudaError_t error) {
  switch (error) {
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContained:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorTensorMemoryLeak:
    case cudaErrorMpsClientTerminated:
    case cudaErrorExternalDevice:
      return true;
    default:
      return false;
  }
}

}  // namespace

const char* remedy(cudaError_t error) {
  if (ends_process(error)) {
    return "; every session of this process on a GPU is lost, and new ones fail with this error "
           "too: start the process again";
  }
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "; the device has no memory left for the code of kernels: a smaller batch, or fewer "
             "others on the device";
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
