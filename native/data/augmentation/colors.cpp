#include "data/augmentation/colors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace preresnet {
namespace {

constexpr float kLargest = 255;

uint8_t to_byte(float value) { return static_cast<uint8_t>(std::clamp(value, 0.0F, kLargest)); }

float luminance(const uint8_t* rgb) {
  const auto red = static_cast<float>(rgb[0]), green = static_cast<float>(rgb[1]),
             blue = static_cast<float>(rgb[2]);
  return std::floor(red * 0.2989F + green * 0.587F + blue * 0.114F);
}

/// Between an image and another one, and beyond.
class Blend {
 public:
  explicit Blend(double ratio)
      : ratio_(static_cast<float>(ratio)), rest_(static_cast<float>(1 - ratio)) {}
  uint8_t operator()(uint8_t value, float other) const {
    return to_byte(static_cast<float>(value) * ratio_ + rest_ * other);
  }

 private:
  float ratio_, rest_;
};

/// Each value by what a table has for it.
void look_up(const ImageView& image, const std::array<uint8_t, 256>& table) {
  std::for_each(image.pixels, image.pixels + image.values(),
                [&](uint8_t& value) { value = table[value]; });
}

template <class Make>
std::array<uint8_t, 256> make_table(Make&& make) {
  std::array<uint8_t, 256> table{};
  for (size_t value = 0; value < table.size(); ++value)
    table[value] = make(static_cast<int>(value));
  return table;
}

/// For each channel a table, made of the counts of its values.
template <class Make>
void look_up_channels(const ImageView& image, Make&& make) {
  const auto channels = static_cast<size_t>(image.channels);
  for (size_t channel = 0; channel < channels; ++channel) {
    std::array<int64_t, 256> counts{};
    for (size_t at = channel; at < image.values(); at += channels) ++counts[image.pixels[at]];
    const std::array<uint8_t, 256> table = make(counts);
    for (size_t at = channel; at < image.values(); at += channels) {
      image.pixels[at] = table[image.pixels[at]];
    }
  }
}

/// Hue as a share of the circle, saturation and value from 0 to 1.
struct Hsv {
  float hue, saturation, value;
};

Hsv to_hsv(float red, float green, float blue) {
  const float most = std::max({red, green, blue});
  const float range = most - std::min({red, green, blue});
  if (range == 0) return {0, 0, most};
  const float r = (most - red) / range, g = (most - green) / range, b = (most - blue) / range;
  const float sixths = most == red ? b - g : most == green ? r + 2 - b : g + 4 - r;
  return {std::fmod(sixths * (1.0F / 6) + 1, 1.0F), range / most, most};
}

std::array<float, 3> to_rgb(const Hsv& color) {
  const float sixths = color.hue * 6;
  const float sector = std::floor(sixths);
  const float part = color.saturation * (sixths - sector);
  const float v = color.value;
  const auto share = [&](float of) { return std::clamp(of * v, 0.0F, 1.0F); };
  const float p = share(1 - color.saturation), q = share(1 - part);
  const float t = share(part + (1 - color.saturation));
  switch (static_cast<int>(sector) % 6) {
    case 0:
      return {v, t, p};
    case 1:
      return {q, v, p};
    case 2:
      return {p, v, t};
    case 3:
      return {p, q, v};
    case 4:
      return {t, p, v};
    default:
      return {v, p, q};
  }
}

}  // namespace

void adjust_brightness(const ImageView& image, double factor) {
  const auto ratio = static_cast<float>(factor);
  look_up(image, make_table([&](int value) { return to_byte(static_cast<float>(value) * ratio); }));
}

void adjust_contrast(const ImageView& image, double factor) {
  int64_t sum = 0;
  const uint8_t* pixel = image.pixels;
  for (size_t place = 0; place < image.pixel_count(); ++place, pixel += image.channels) {
    sum += image.channels == 3 ? static_cast<int64_t>(luminance(pixel)) : pixel[0];
  }
  const auto mean =
      static_cast<float>(static_cast<double>(sum) / static_cast<double>(image.pixel_count()));
  const Blend blend(factor);
  look_up(image, make_table([&](int value) { return blend(static_cast<uint8_t>(value), mean); }));
}

void adjust_saturation(const ImageView& image, double factor) {
  if (image.channels != 3) return;
  const Blend blend(factor);
  uint8_t* pixel = image.pixels;
  for (size_t place = 0; place < image.pixel_count(); ++place, pixel += 3) {
    const float gray = luminance(pixel);
    for (int channel = 0; channel < 3; ++channel) pixel[channel] = blend(pixel[channel], gray);
  }
}

void adjust_hue(const ImageView& image, double turn) {
  if (image.channels != 3) return;
  constexpr float kScale = static_cast<float>(1.0 / 255);
  // Just below 256, so that 1 becomes 255.
  constexpr float kLevels = static_cast<float>(255 + 1.0 - 1e-3);
  const auto added = static_cast<float>(turn);
  uint8_t* pixel = image.pixels;
  for (size_t place = 0; place < image.pixel_count(); ++place, pixel += 3) {
    Hsv color = to_hsv(static_cast<float>(pixel[0]) * kScale, static_cast<float>(pixel[1]) * kScale,
                       static_cast<float>(pixel[2]) * kScale);
    color.hue += added;
    color.hue -= std::floor(color.hue);
    const std::array<float, 3> rgb = to_rgb(color);
    for (int channel = 0; channel < 3; ++channel) pixel[channel] = to_byte(rgb[channel] * kLevels);
  }
}

void adjust_sharpness(const ImageView& image, double factor) {
  const int64_t channels = image.channels, row = image.width * channels;
  if (image.height <= 2 || image.width <= 2) return;
  const auto rest = static_cast<float>(1 - factor);
  // Rows as they were, since the sums of the next row need them.
  std::vector<uint8_t> above(image.pixels, image.pixels + row), here(above);
  for (int64_t y = 1; y + 1 < image.height; ++y) {
    uint8_t* to = image.pixels + y * row;
    const uint8_t* below = to + row;
    std::copy_n(to, row, here.data());
    for (int64_t x = channels; x < row - channels; ++x) {
      int sum = 4 * here[static_cast<size_t>(x)];
      for (const int64_t at : {x - channels, x, x + channels}) {
        sum += above[static_cast<size_t>(at)] + here[static_cast<size_t>(at)] + below[at];
      }
      // Thirteenths are never halfway between two numbers.
      const auto blurred = static_cast<float>((2 * sum + 13) / 26);
      const auto value = static_cast<float>(to[x]);
      to[x] = to_byte(value + rest * (blurred - value));
    }
    above.swap(here);
  }
}

void posterize(const ImageView& image, int bits) {
  const int mask = 0xff << (8 - bits);
  look_up(image, make_table([&](int value) { return static_cast<uint8_t>(value & mask); }));
}

void solarize(const ImageView& image, double threshold) {
  const auto least = static_cast<float>(threshold);
  look_up(image, make_table([&](int value) {
            return static_cast<uint8_t>(static_cast<float>(value) >= least ? 255 - value : value);
          }));
}

void autocontrast(const ImageView& image) {
  look_up_channels(image, [](const std::array<int64_t, 256>& counts) {
    const auto there = [](int64_t count) { return count > 0; };
    const auto first = std::find_if(counts.begin(), counts.end(), there) - counts.begin();
    const auto last = 255 - (std::find_if(counts.rbegin(), counts.rend(), there) - counts.rbegin());
    if (first == last) return make_table([](int value) { return static_cast<uint8_t>(value); });
    const auto least = static_cast<float>(first);
    const float scale = (static_cast<float>(last) - least) * static_cast<float>(1.0 / 255);
    return make_table(
        [&](int value) { return to_byte((static_cast<float>(value) - least) / scale); });
  });
}

void equalize(const ImageView& image) {
  look_up_channels(image, [&](const std::array<int64_t, 256>& counts) {
    const auto there = [](int64_t count) { return count > 0; };
    const int64_t brightest = *std::find_if(counts.rbegin(), counts.rend(), there);
    const int64_t step = (static_cast<int64_t>(image.pixel_count()) - brightest) / 255;
    int64_t below = 0;
    return make_table([&](int value) {
      if (step == 0) return static_cast<uint8_t>(value);
      const int64_t level = value == 0 ? 0 : (below + step / 2) / step;
      below += counts[static_cast<size_t>(value)];
      return static_cast<uint8_t>(std::clamp<int64_t>(level, 0, 255));
    });
  });
}

void shift_channels(const ImageView& image, const std::array<double, 3>& shifts) {
  uint8_t* pixel = image.pixels;
  for (size_t place = 0; place < image.pixel_count(); ++place, pixel += 3) {
    for (size_t channel = 0; channel < 3; ++channel) {
      const double value = std::nearbyint(pixel[channel] + 255 * shifts[channel]);
      pixel[channel] = static_cast<uint8_t>(std::clamp(value, 0.0, 255.0));
    }
  }
}

}  // namespace preresnet
