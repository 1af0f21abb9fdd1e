#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace preresnet {
namespace {

// 8 bits of pixel, 2 of headroom and 22 of weight fill 32.
constexpr int kWeightBits = 22;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

uint8_t to_pixel(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

template <int kChannels>
void resize_row(const uint8_t* source, const int64_t* begin, const int64_t* count,
                const int32_t* weights, int64_t stride, int64_t width, uint8_t* target) {
  for (int64_t x = 0; x < width; ++x, weights += stride) {
    int32_t sums[kChannels];
    for (int32_t& sum : sums) sum = kHalf;
    const uint8_t* pixel = source + begin[x] * kChannels;
    for (int64_t tap = 0; tap < count[x]; ++tap, pixel += kChannels) {
      for (int channel = 0; channel < kChannels; ++channel)
        sums[channel] += pixel[channel] * weights[tap];
    }
    for (int channel = 0; channel < kChannels; ++channel) *target++ = to_pixel(sums[channel]);
  }
}

}  // namespace

void Resizer::Filter::prepare(const Side& source, int64_t target, int64_t first, int64_t length) {
  const double scale = source.extent / static_cast<double>(target);
  // A triangle as wide as the source pixels that one target pixel covers, and never narrower than
  // one of them.
  const double reach = std::max(scale, 1.0);
  stride = static_cast<int64_t>(std::ceil(reach)) * 2 + 1;
  begin.resize(length);
  count.resize(length);
  weights.assign(length * stride, 0);
  std::vector<double> exact(stride);
  for (int64_t i = 0; i < length; ++i) {
    const double center = (static_cast<double>(first + i) + 0.5) * scale;
    const int64_t from = std::max<int64_t>(0, static_cast<int64_t>(center - reach + 0.5));
    const int64_t to = std::min(source.pixels, static_cast<int64_t>(center + reach + 0.5));
    double total = 0;
    for (int64_t x = from; x < to; ++x) {
      exact[x - from] =
          std::max(0.0, 1 - std::abs((static_cast<double>(x) + 0.5 - center) / reach));
      total += exact[x - from];
    }
    begin[i] = from;
    count[i] = to - from;
    for (int64_t tap = 0; tap < to - from; ++tap) {
      weights[i * stride + tap] =
          static_cast<int32_t>(std::lround(exact[tap] / total * (1 << kWeightBits)));
    }
  }
}

void Resizer::resize(const uint8_t* source, const Side& height, const Side& width, int64_t channels,
                     int64_t target_height, int64_t target_width, const Window& window,
                     uint8_t* target) {
  rows_.prepare(height, target_height, window.top, window.height);
  const int64_t first_row = rows_.begin.front();
  const int64_t needed = rows_.begin.back() + rows_.count.back() - first_row;
  const int64_t pitch = window.width * channels;

  const uint8_t* narrow = source + (first_row * width.pixels + window.left) * channels;
  int64_t narrow_pitch = width.pixels * channels;
  if (width.pixels != target_width) {
    columns_.prepare(width, target_width, window.left, window.width);
    narrow_.resize(needed * pitch);
    const auto row = channels == 1 ? resize_row<1> : resize_row<3>;
    for (int64_t y = 0; y < needed; ++y) {
      row(source + (first_row + y) * width.pixels * channels, columns_.begin.data(),
          columns_.count.data(), columns_.weights.data(), columns_.stride, window.width,
          narrow_.data() + y * pitch);
    }
    narrow = narrow_.data();
    narrow_pitch = pitch;
  }

  if (height.pixels == target_height) {
    for (int64_t y = 0; y < window.height; ++y) {
      std::memcpy(target + y * pitch, narrow + (rows_.begin[y] - first_row) * narrow_pitch, pitch);
    }
    return;
  }
  sums_.resize(pitch);
  for (int64_t y = 0; y < window.height; ++y) {
    std::fill(sums_.begin(), sums_.end(), kHalf);
    for (int64_t tap = 0; tap < rows_.count[y]; ++tap) {
      const uint8_t* row = narrow + (rows_.begin[y] - first_row + tap) * narrow_pitch;
      const int32_t weight = rows_.weights[y * rows_.stride + tap];
      for (int64_t x = 0; x < pitch; ++x) sums_[x] += row[x] * weight;
    }
    for (int64_t x = 0; x < pitch; ++x) target[y * pitch + x] = to_pixel(sums_[x]);
  }
}

}  // namespace preresnet
