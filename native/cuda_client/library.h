// The CUDA library: found next to the addon, opened when a CUDA device is first asked for, never
// closed.
#pragma once
#include <string>

#include "interfaces/cuda_api.h"

namespace preresnet {

/// device: "cuda" or "cuda-emulated", whose programs are the same. ERR_DEVICE with the remedy where
/// the library is missing, cannot be opened or was built from other sources.
const preresnet_cuda_api& cuda_library(const std::string& device);

/// Throws Error where `status` is not 0.
void check_cuda(int status, const preresnet_cuda_error&);

}  // namespace preresnet
