#include "data/augmentation/elementary.h"

#include <cmath>

namespace preresnet {

double exponential(double x) {
  int halvings = 0;
  for (; std::abs(x) > 0.5; x /= 2) ++halvings;
  double sum = 1;
  for (int n = 20; n > 0; --n) sum = 1 + sum * x / n;
  for (; halvings > 0; --halvings) sum *= sum;
  return sum;
}

double logarithm(double x) {
  int doublings = 0;
  for (; x > 1.5; x /= 2) ++doublings;
  for (; x < 0.75; x *= 2) --doublings;
  constexpr double kLogarithmOf2 = 0.693147180559945309417;
  // 2 artanh(z)
  const double z = (x - 1) / (x + 1);
  double sum = 0;
  for (int n = 41; n > 0; n -= 2) sum = sum * z * z + 1.0 / n;
  return doublings * kLogarithmOf2 + 2 * z * sum;
}

SineAndCosine sine_and_cosine(double x) {
  constexpr double kTurn = 6.283185307179586476925;
  x -= kTurn * std::nearbyint(x / kTurn);
  const double square = x * x;
  double sine = 0, cosine = 0;
  for (int n = 30; n > 0; n -= 2) {
    cosine = -square / (n * (n - 1)) * (1 + cosine);
    sine = -square / (n * (n + 1)) * (1 + sine);
  }
  return {x * (1 + sine), 1 + cosine};
}

}  // namespace preresnet
