#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace preresnet {
namespace {

size_t rounded_up(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

double bilinear(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

double bicubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0;
}

int32_t fixed_point(double weight) {
  return static_cast<int32_t>((weight < 0 ? -0.5 : 0.5) + weight * (1 << kWeightBits));
}

/// `begin` and `length` are of the stored image, `available` is of the one that was reduced by
/// `scale`.
Side side_of(int64_t begin, int64_t length, int64_t scale, int64_t available) {
  const double from = static_cast<double>(begin) / static_cast<double>(scale);
  const double to = static_cast<double>(begin + length) / static_cast<double>(scale);
  const auto first = static_cast<int64_t>(from);
  const int64_t last = std::min(available, static_cast<int64_t>(std::ceil(to)));
  return {first, last - first, from - static_cast<double>(first), to - from};
}

}  // namespace

Side Resizer::Weights::prepare(const Side& source, int64_t target, int64_t first, int64_t length,
                               Filter filter) {
  // In the order of Pillow's own operations, so that they round as its.
  const double scale = source.extent / static_cast<double>(target);
  // As wide as the source pixels that one target pixel covers, and never narrower than one of them.
  const double wide = std::max(scale, 1.0);
  const double reach = (filter == Filter::bicubic ? 2.0 : 1.0) * wide;
  const double per_pixel = 1.0 / wide;
  stride = static_cast<int64_t>(std::ceil(reach)) * 2 + 1;
  begin.resize(length);
  count.resize(length);
  weights.resize(length * stride);
  exact.resize(stride);
  copies = source.begin == 0 && scale == 1;
  for (int64_t i = 0; i < length; ++i) {
    if (copies) {
      begin[i] = first + i;
      count[i] = 1;
      weights[i * stride] = 1 << kWeightBits;
      continue;
    }
    const double center = source.begin + (static_cast<double>(first + i) + 0.5) * scale;
    const int64_t from = std::max<int64_t>(0, static_cast<int64_t>(center - reach + 0.5));
    const int64_t to = std::min(source.pixels, static_cast<int64_t>(center + reach + 0.5));
    double total = 0;
    for (int64_t x = from; x < to; ++x) {
      const double at = (static_cast<double>(x) - center + 0.5) * per_pixel;
      total += exact[x - from] = filter == Filter::bicubic ? bicubic(at) : bilinear(at);
    }
    begin[i] = from;
    count[i] = to - from;
    for (int64_t tap = 0; tap < to - from; ++tap)
      weights[i * stride + tap] = fixed_point(exact[tap] / total);
  }
  Side needed = source;
  needed.origin += begin.front();
  needed.pixels = begin.back() + count.back() - begin.front();
  for (int64_t i = length - 1; i >= 0; --i) begin[i] -= begin.front();
  return needed;
}

Taps Resizer::Weights::taps() const {
  return {begin.data(), count.data(), weights.data(), stride, static_cast<int64_t>(begin.size())};
}

void Resizer::begin(const CropPlan& plan, int64_t scale, const ImageSize& image, int64_t channels,
                    Filter filter, uint8_t* target) {
  const auto& [source, whole, window, mirrored, _] = plan;
  const Side vertical = rows_.prepare(side_of(source.top, source.height, scale, image.height),
                                      whole.height, window.top, window.height, filter);
  const Side horizontal = columns_.prepare(side_of(source.left, source.width, scale, image.width),
                                           whole.width, window.left, window.width, filter);
  needed_ = {vertical.origin, horizontal.origin, vertical.pixels, horizontal.pixels};
  channels_ = channels;
  done_ = 0;
  window_ = window;
  mirrored_ = mirrored;
  target_ = target;
  row_bytes_ = static_cast<size_t>(window.width * channels);
  pitch_ = rounded_up(row_bytes_, kRowAlignment);
  if (rows_.copies && columns_.copies) return;
  narrow_.resize(static_cast<size_t>(needed_.height) * pitch_);
  if (!columns_.copies)
    scratch_.resize(rounded_up(static_cast<size_t>(needed_.width * channels), kRowsAtOnce) *
                    kRowsAtOnce);
}

void Resizer::add(const uint8_t* rows, size_t pitch, int64_t count) {
  if (!columns_.copies) {
    narrow(rows, pitch, count);
  } else {
    // Where the rows are copied too, they go to their place at once.
    uint8_t* to = rows_.copies ? target_ + done_ * row_bytes_ : narrow_.data() + done_ * pitch_;
    const size_t step = rows_.copies ? row_bytes_ : pitch_;
    for (int64_t row = 0; row < count; ++row)
      std::memcpy(to + row * step, rows + row * pitch, row_bytes_);
  }
  done_ += count;
}

void Resizer::narrow(const uint8_t* rows, size_t pitch, int64_t count) {
  for (int64_t row = 0; row < count; row += kRowsAtOnce) {
    run(HorizontalPass{.source = rows + row * pitch,
                       .source_pitch = pitch,
                       .rows = std::min(kRowsAtOnce, count - row),
                       .source_bytes = static_cast<size_t>(needed_.width * channels_),
                       .channels = channels_,
                       .taps = columns_.taps(),
                       .scratch = scratch_.data(),
                       .narrow = narrow_.data() + (done_ + row) * pitch_,
                       .narrow_pitch = pitch_});
  }
}

void Resizer::finish() {
  if (!rows_.copies) {
    run(VerticalPass{narrow_.data(), pitch_, rows_.taps(), target_, row_bytes_});
  } else if (!columns_.copies) {
    for (int64_t row = 0; row < window_.height; ++row)
      std::memcpy(target_ + row * row_bytes_, narrow_.data() + row * pitch_, row_bytes_);
  }
  if (mirrored_) mirror();
}

void Resizer::mirror() {
  for (int64_t row = 0; row < window_.height; ++row) {
    uint8_t* left = target_ + row * row_bytes_;
    uint8_t* right = left + row_bytes_ - channels_;
    for (; left < right; left += channels_, right -= channels_)
      std::swap_ranges(left, left + channels_, right);
  }
}

}  // namespace preresnet
