// What this device's arithmetic and memory reach at best.
#pragma once
#include "cuda/convolution.h"
#include "cuda/runtime.h"

namespace preresnet::cuda {

struct Roofline {
  double flops = 0;  // of a large matrix product in the session's arithmetic, a second
  double bytes = 0;  // read and written a second by copies that fit no cache
};

/// The best of several tries, on the main stream and in memory of its own, which has to be free.
Roofline measure_roofline(Runtime&, Convolutions&, const ConvolutionChoice&);

}  // namespace preresnet::cuda
