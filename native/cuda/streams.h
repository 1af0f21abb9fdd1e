// Numbers of the streams.
#pragma once
#include "cuda/runtime.h"

namespace preresnet::cuda {

/// Of the critical chain; of gradients of weights, for which nobody waits before the update; of
/// copies of batches; of copies of what inferences found.
constexpr Stream kMain{0}, kWeights{1}, kCopies{2}, kResults{3};
/// Streams on which operations run: kMain and kWeights.
constexpr int kComputeStreams = 2;

}  // namespace preresnet::cuda
