#include "data/random_crops.h"

#include <algorithm>
#include <cmath>

#include "data/augmentation/elementary.h"

namespace preresnet {
namespace {

/// Uniform in 0 ... count - 1.
int64_t below(uint32_t word, int64_t count) {
  return static_cast<int64_t>(word * static_cast<uint64_t>(count) >> 32);
}

double uniform(uint32_t word, double from, double to) {
  return from + (to - from) * (static_cast<double>(word) * 0x1p-32);
}

/// The middle, as large as the aspect ratio allows.
Window middle(const ImageSize& stored, const AreaRule& rule) {
  Window crop{0, 0, stored.height, stored.width};
  const double aspect = static_cast<double>(stored.width) / static_cast<double>(stored.height);
  if (aspect < rule.aspect_from) {
    crop.height = rounded(static_cast<double>(stored.width) / rule.aspect_from);
  } else if (aspect > rule.aspect_to) {
    crop.width = rounded(static_cast<double>(stored.height) * rule.aspect_to);
  }
  // An image of one row or column leaves nothing to round to.
  crop.height = std::clamp<int64_t>(crop.height, 1, stored.height);
  crop.width = std::clamp<int64_t>(crop.width, 1, stored.width);
  crop.top = (stored.height - crop.height) / 2;
  crop.left = (stored.width - crop.width) / 2;
  return crop;
}

}  // namespace

int64_t rounded(double pixels) {
  return static_cast<int64_t>(std::nearbyint(std::min(pixels, 0x1p62)));
}

Window random_area(const Draw& draw, const ImageSize& stored, const AreaRule& rule) {
  constexpr uint32_t kAttempts = 10;
  const auto pixels = static_cast<double>(stored.height * stored.width);
  const double low = logarithm(rule.aspect_from);
  const double high = logarithm(rule.aspect_to);
  for (uint32_t attempt = 0; attempt < kAttempts; ++attempt) {
    const PhiloxCounter words = random_block(draw, kAreaStream + attempt);
    const double area = pixels * uniform(words[0], rule.area_from, rule.area_to);
    const double aspect = exponential(uniform(words[1], low, high));
    const int64_t width = rounded(std::sqrt(area * aspect));
    const int64_t height = rounded(std::sqrt(area / aspect));
    if (width < 1 || width > stored.width || height < 1 || height > stored.height) continue;
    return {below(words[2], stored.height - height + 1), below(words[3], stored.width - width + 1),
            height, width};
  }
  return middle(stored, rule);
}

int64_t random_side(const Draw& draw, int64_t from, int64_t to) {
  return from + below(random_block(draw, kResizeStream)[0], to - from + 1);
}

Window random_window(const Draw& draw, const ImageSize& image, int64_t height, int64_t width) {
  const PhiloxCounter words = random_block(draw, kResizeStream);
  return {below(words[1], image.height - height + 1), below(words[2], image.width - width + 1),
          height, width};
}

Crop random_crop(const Draw& draw, int64_t pad, bool flip) {
  const PhiloxCounter words = random_block(draw, kBorderStream);
  return {static_cast<int32_t>(below(words[0], 2 * pad + 1)),
          static_cast<int32_t>(below(words[1], 2 * pad + 1)),
          flip ? static_cast<int32_t>(words[2] >> 31) : 0};
}

}  // namespace preresnet
