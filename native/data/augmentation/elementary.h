// Functions that the C library computes with another last bit from one version and processor to
// another: these are sums and products alone, so that what is drawn is the same everywhere.
#pragma once

namespace preresnet {

double exponential(double x);
double logarithm(double x);

struct SineAndCosine {
  double sine, cosine;
};
/// x: radians, of a few turns at most.
SineAndCosine sine_and_cosine(double x);

}  // namespace preresnet
