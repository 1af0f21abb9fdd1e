// The threads of a block as fibers: they switch at barriers and warp collectives, in random order;
// blocks run in random order; shared memory is poisoned before each block.
#pragma once
#include <cstdint>
#include <functional>

#include "cuda/runtime.h"

namespace preresnet::cuda::emulation {

/// Calls `thread` once for every thread of every block, with threadIdx and the others as on a
/// device. ERR_INTERNAL where a device would hang or do what nobody can foresee: threads at
/// different barriers, a barrier or shuffle that some have left, too much shared memory.
void run_blocks(Dim3 grid, Dim3 block, const std::function<void()>& thread);

/// Which random orders the calling (host) thread's blocks will have.
void seed_blocks(uint64_t seed);

}  // namespace preresnet::cuda::emulation
