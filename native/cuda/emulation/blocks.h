// The threads of a block as fibers: they switch at barriers and warp collectives, in random order;
// blocks run in random order; shared memory is poisoned before each block.
#pragma once
#include <functional>

#include "cuda/runtime.h"

namespace preresnet::cuda::emulation {

/// Calls `thread` once for every thread of every block, with threadIdx and the others as on a
/// device.
void run_blocks(Dim3 grid, Dim3 block, const std::function<void()>& thread);

}  // namespace preresnet::cuda::emulation
