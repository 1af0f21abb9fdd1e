// What the library was built for and what the machine has. Each library has one of them: cudart/ or
// emulation/.
#pragma once
#include <cstdint>

#include "interfaces/cuda_api.h"

namespace preresnet::cuda {

/// Never throws: what is wrong stands in `problem`.
preresnet_cuda_information machine_information();
/// ERR_DEVICE where there is no device of that number.
preresnet_cuda_device machine_device(int32_t index);

}  // namespace preresnet::cuda
