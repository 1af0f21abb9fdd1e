#include "data/augmentation/augment.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "data/augmentation/colors.h"
#include "data/augmentation/elementary.h"
#include "data/augmentation/magnitudes.h"
#include "data/random_crops.h"

namespace preresnet {
namespace {

/// The random words of one augmentation of one image. docs/data.md says which is for what.
class Words {
 public:
  /// step: the augmentation's place in the list.
  Words(const Draw& draw, size_t step)
      : draw_(draw), stream_(kAugmentStream + static_cast<uint32_t>(step << 8)) {}

  uint32_t next() {
    if (used_ == block_.size()) {
      block_ = random_block(draw_, stream_++);
      used_ = 0;
    }
    return block_[used_++];
  }
  int64_t below(int64_t count) {
    return static_cast<int64_t>(next() * static_cast<uint64_t>(count) >> 32);
  }
  double share() { return static_cast<double>(next()) * 0x1p-32; }
  double uniform(const Range& range) { return range.from + (range.to - range.from) * share(); }
  /// Normally distributed, by Box and Muller.
  double normal() {
    constexpr double kTurn = 6.283185307179586476925;
    const double radius = std::sqrt(-2 * logarithm(1 - share()));
    return radius * sine_and_cosine(kTurn * share()).cosine;
  }

 private:
  const Draw draw_;
  uint32_t stream_;
  PhiloxCounter block_{};
  size_t used_ = block_.size();
};

void change(const ColorJitter& jitter, Words& words, const ImageView& image) {
  struct Adjustment {
    const std::optional<Range>& range;
    void (*adjust)(const ImageView&, double);
    double factor;
  };
  std::array<Adjustment, 4> adjustments = {{{jitter.brightness, adjust_brightness, 0},
                                            {jitter.contrast, adjust_contrast, 0},
                                            {jitter.saturation, adjust_saturation, 0},
                                            {jitter.hue, adjust_hue, 0}}};
  // Drawn for all, so that one that is left out changes no other.
  for (Adjustment& one : adjustments) one.factor = words.uniform(one.range.value_or(Range{}));
  std::array<size_t, 4> order = {0, 1, 2, 3};
  for (size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[static_cast<size_t>(words.below(static_cast<int64_t>(left)))]);
  }
  for (const size_t which : order) {
    if (adjustments[which].range) adjustments[which].adjust(image, adjustments[which].factor);
  }
}

/// Eigenvalues and eigenvectors of the colors of ImageNet's training images, from 0 to 1, as in
/// fb.resnet.torch, whose recipe the paper follows.
void change(const Lighting& lighting, Words& words, const ImageView& image) {
  constexpr double kValues[3] = {0.2175, 0.0188, 0.0045};
  constexpr double kVectors[3][3] = {
      {-0.5675, 0.7192, 0.4009}, {-0.5808, -0.0045, -0.8140}, {-0.5836, -0.6948, 0.4203}};
  std::array<double, 3> shifts{};
  for (size_t component = 0; component < 3; ++component) {
    const double amount = lighting.std * words.normal() * kValues[component];
    for (size_t channel = 0; channel < 3; ++channel) {
      shifts[channel] += kVectors[channel][component] * amount;
    }
  }
  shift_channels(image, shifts);
}

void fill(const ImageView& image, const Window& part, const std::array<uint8_t, 3>& color) {
  for (int64_t y = part.top; y < part.top + part.height; ++y) {
    uint8_t* to = image.pixels + (y * image.width + part.left) * image.channels;
    for (int64_t x = 0; x < part.width; ++x, to += image.channels) {
      std::copy_n(color.data(), image.channels, to);
    }
  }
}

/// By torchvision's rule: what has no room in ten attempts is left alone.
void change(const RandomErasing& erasing, Words& words, const ImageView& image) {
  constexpr int kAttempts = 10;
  if (words.share() >= erasing.probability) return;
  const AreaRule& rule = erasing.rule;
  const Range aspects{logarithm(rule.aspect_from), logarithm(rule.aspect_to)};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const double area =
        static_cast<double>(image.pixel_count()) * words.uniform({rule.area_from, rule.area_to});
    const double aspect = exponential(words.uniform(aspects));
    const int64_t height = rounded(std::sqrt(area * aspect));
    const int64_t width = rounded(std::sqrt(area / aspect));
    const bool fits = height < image.height && width < image.width;
    const int64_t top = words.below(fits ? image.height - height + 1 : 1);
    const int64_t left = words.below(fits ? image.width - width + 1 : 1);
    if (!fits) continue;
    fill(image, {top, left, height, width}, erasing.color);
    return;
  }
}

/// bin: of the magnitude; drawn where it is below 0.
void change_once(MagnitudeTable table, int bin, int bins, Words& words, const ImageView& image) {
  const auto operation = static_cast<ColorOrShape>(words.below(kColorsOrShapes));
  const auto drawn = static_cast<int>(words.below(bins));
  const bool negative = words.below(2) == 0;
  const int64_t size = operation == ColorOrShape::translate_x ? image.width : image.height;
  const double magnitude = magnitude_of(table, operation, bin < 0 ? drawn : bin, bins, size);
  apply(image, operation, negative && is_signed(operation) ? -magnitude : magnitude);
}

void change(const TrivialAugment& trivial, Words& words, const ImageView& image) {
  change_once(MagnitudeTable::wide, -1, trivial.bins, words, image);
}

void change(const RandAugment& rand, Words& words, const ImageView& image) {
  for (int operation = 0; operation < rand.operations; ++operation) {
    change_once(MagnitudeTable::rand, rand.magnitude, rand.bins, words, image);
  }
}

class AugmentedSource : public SampleSource {
 public:
  AugmentedSource(std::unique_ptr<SampleSource> source, std::vector<Augmentation> augmentations,
                  const SampleShape& shape)
      : source_(std::move(source)), augmentations_(std::move(augmentations)), shape_(shape) {}

  size_t count() const override { return source_->count(); }
  /// Augmenting takes about as long as decoding: a larger share would keep the others waiting.
  int64_t grain(int64_t share) const override {
    return std::min<int64_t>(source_->grain(share), kMostAtOnce);
  }
  void check(uint64_t sample) const override { source_->check(sample); }
  bool looks_ahead() const override { return source_->looks_ahead(); }
  void expect(const std::vector<uint64_t>& samples, Desk& desk) const override {
    source_->expect(samples, desk);
  }
  bool fetches() const override { return source_->fetches(); }
  void fetch(const std::vector<uint64_t>& samples) const override { source_->fetch(samples); }
  void read(const Draw& draw, Desk& desk, uint8_t* pixels) const override {
    source_->read(draw, desk, pixels);
    augment(augmentations_, draw, {pixels, shape_.height, shape_.width, shape_.channels});
  }
  void close() override { source_->close(); }

 private:
  static constexpr int64_t kMostAtOnce = 16;

  const std::unique_ptr<SampleSource> source_;
  const std::vector<Augmentation> augmentations_;
  const SampleShape shape_;
};

}  // namespace

void augment(const std::vector<Augmentation>& augmentations, const Draw& draw,
             const ImageView& image) {
  for (size_t step = 0; step < augmentations.size(); ++step) {
    Words words(draw, step);
    std::visit([&](const auto& augmentation) { change(augmentation, words, image); },
               augmentations[step]);
  }
}

std::unique_ptr<SampleSource> augmented_source(std::unique_ptr<SampleSource> source,
                                               std::vector<Augmentation> augmentations,
                                               const SampleShape& shape) {
  return std::make_unique<AugmentedSource>(std::move(source), std::move(augmentations), shape);
}

}  // namespace preresnet
