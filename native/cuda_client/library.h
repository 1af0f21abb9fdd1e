// The CUDA library: opened when a CUDA device is first asked for, never closed. The emulated
// device's lies next to the addon.
#pragma once
#include <string>

#include "interfaces/cuda_api.h"

namespace preresnet {

/// Where device "cuda" has its library, and what helps where it is missing: JavaScript knows the
/// packages. For devices that are asked for afterwards.
void set_cuda_file(const std::string& file, const std::string& remedy);

/// device: "cuda" or "cuda-emulated", whose programs are the same. ERR_DEVICE with the remedy where
/// the library is missing, cannot be opened or was built from other sources.
const preresnet_cuda_api& cuda_library(const std::string& device);

/// Throws Error where `status` is not 0.
void check_cuda(int status, const preresnet_cuda_error&);

}  // namespace preresnet
