#include "data/augmentation/warp.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "data/augmentation/elementary.h"

namespace preresnet {
namespace {

/// Where in the image a pixel comes from, both counted from the middle: two rows of three.
using Inverse = std::array<double, 6>;

/// In the steps of torchvision, in single precision: where a place is halfway between two pixels,
/// rounding decides.
void warp(const ImageView& image, const Inverse& inverse) {
  const auto channels = static_cast<size_t>(image.channels);
  const auto width = static_cast<float>(image.width), height = static_cast<float>(image.height);
  const float half_width = 0.5F * width, half_height = 0.5F * height;
  std::array<float, 6> scaled{};
  for (size_t i = 0; i < 6; ++i) {
    scaled[i] = static_cast<float>(inverse[i]) / (i < 3 ? half_width : half_height);
  }
  const auto place = [](float x, float y, const float* row) {
    return x * row[0] + y * row[1] + row[2];
  };
  const auto pixel = [](float share, float size) {
    return std::nearbyint(((share + 1) * size - 1) / 2);
  };
  const std::vector<uint8_t> from(image.pixels, image.pixels + image.values());
  uint8_t* to = image.pixels;
  for (int64_t y = 0; y < image.height; ++y) {
    const float down = static_cast<float>(y) - (height - 1) * 0.5F;
    for (int64_t x = 0; x < image.width; ++x, to += channels) {
      const float right = static_cast<float>(x) - (width - 1) * 0.5F;
      const float left = pixel(place(right, down, scaled.data()), width);
      const float top = pixel(place(right, down, scaled.data() + 3), height);
      if (left < 0 || left >= width || top < 0 || top >= height) {
        std::fill_n(to, channels, uint8_t{0});
        continue;
      }
      const int64_t at = static_cast<int64_t>(top) * image.width + static_cast<int64_t>(left);
      std::copy_n(from.data() + static_cast<size_t>(at) * channels, channels, to);
    }
  }
}

}  // namespace

void shear_x(const ImageView& image, double slope) {
  warp(image, {1, slope, slope * 0.5 * static_cast<double>(image.height), 0, 1, 0});
}

void shear_y(const ImageView& image, double slope) {
  warp(image, {1, 0, 0, slope, 1, slope * 0.5 * static_cast<double>(image.width)});
}

void translate(const ImageView& image, int64_t right, int64_t down) {
  warp(image, {1, 0, -static_cast<double>(right), 0, 1, -static_cast<double>(down)});
}

void rotate(const ImageView& image, double degrees) {
  if (degrees == 0) return;
  constexpr double kRadians = 3.14159265358979323846 / 180;
  const auto [sine, cosine] = sine_and_cosine(degrees * kRadians);
  warp(image, {cosine, -sine, 0, sine, cosine, 0});
}

}  // namespace preresnet
