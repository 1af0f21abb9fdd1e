// Errors of CUDA's runtime as exceptions.
#pragma once
#include <cuda_runtime_api.h>

namespace preresnet::cuda::cudart {

/// What can be done about it, to be appended to a message; empty where that is not known.
const char* remedy(cudaError_t);

/// ERR_DEVICE with the call, what CUDA says of it and, where it helps, what to do.
void check(cudaError_t, const char* call, const char* file, int line);

}  // namespace preresnet::cuda::cudart

#define PRERESNET_CUDA(call) ::preresnet::cuda::cudart::check((call), #call, __FILE__, __LINE__)
