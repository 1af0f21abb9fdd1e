#include "data/mix.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/mix.h"
#include "data/augmentation/elementary.h"

namespace preresnet {
namespace {

int64_t below(uint32_t word, int64_t count) {
  return static_cast<int64_t>(word * static_cast<uint64_t>(count) >> 32);
}

/// Above 0 and below 1.
double fraction(uint32_t word) { return (static_cast<double>(word) + 0.5) * 0x1p-32; }

/// Beta(alpha, alpha), by streams from `stream` on: up to 1 by Joehnk's rule, above by Ulrich's.
double beta(const Draw& draw, uint32_t stream, double alpha) {
  constexpr double kTurn = 6.283185307179586476925;
  if (alpha > 1) {
    const PhiloxCounter words = random_block(draw, stream);
    const double power = exponential(2 * logarithm(fraction(words[0])) / (2 * alpha - 1));
    return (1 + std::sqrt(1 - power) * sine_and_cosine(kTurn * fraction(words[1])).cosine) / 2;
  }
  for (;; ++stream) {
    const PhiloxCounter words = random_block(draw, stream);
    const double own = logarithm(fraction(words[0])) / alpha;
    const double other = logarithm(fraction(words[1])) / alpha;
    // own / (own + other), of which both may be too small for a number.
    if (exponential(own) + exponential(other) <= 1) return 1 / (1 + exponential(other - own));
  }
}

/// As large as the partner's share of the image; what lies outside of the image is cut off.
Window box_of(double own, uint32_t column, uint32_t row, const ImageSize& input) {
  const double ratio = 0.5 * std::sqrt(1 - own);
  const auto part = [ratio](uint32_t word, int64_t size) {
    const int64_t middle = below(word, size);
    const auto half = static_cast<int64_t>(ratio * static_cast<double>(size));
    return std::pair{std::max<int64_t>(middle - half, 0), std::min(middle + half, size)};
  };
  const auto [left, right] = part(column, input.width);
  const auto [top, bottom] = part(row, input.height);
  return {top, left, bottom - top, right - left};
}

}  // namespace

Mix draw_mix(const MixRule& rule, const Draw& draw, int64_t images, const ImageSize& input) {
  const PhiloxCounter words = random_block(draw, kMixStream);
  const bool cuts = rule.mixup == 0 || (rule.cutmix > 0 && words[0] >> 31 != 0);
  const double own = beta(draw, kMixStream + 1, cuts ? rule.cutmix : rule.mixup);
  Mix mix{.shift = 1 + below(words[1], images - 1),
          .share = static_cast<int32_t>(std::nearbyint(own * static_cast<double>(kWholeShare))),
          .box = {0, 0, input.height, input.width}};
  if (cuts) {
    mix.share = 0;
    mix.box = box_of(own, words[2], words[3], input);
  }
  return mix;
}

}  // namespace preresnet
