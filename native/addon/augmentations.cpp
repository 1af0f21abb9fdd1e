#include "addon/augmentations.h"

#include <cmath>
#include <limits>
#include <optional>
#include <string>

namespace preresnet {
namespace {

/// The numbers of one augmentation, one after another.
class Numbers {
 public:
  Numbers(const Arguments& step, size_t count) : step_(step), values_(step.doubles("numbers")) {
    if (values_.size() != count) refuse(std::to_string(count) + " numbers");
  }

  double next(double least, double most) {
    const double value = values_[at_++];
    if (!(value >= least && value <= most)) refuse("numbers that are in range");
    return value;
  }
  int whole(double least, double most) {
    const double value = next(least, most);
    if (value != std::floor(value)) refuse("whole numbers");
    return static_cast<int>(value);
  }
  std::optional<Range> range(double least, double most) {
    if (std::isnan(values_[at_]) && std::isnan(values_[at_ + 1])) {
      at_ += 2;
      return std::nullopt;
    }
    const double from = next(least, most);
    return Range{from, next(from, most)};
  }

 private:
  [[noreturn]] void refuse(const std::string& expected) const { step_.refuse("numbers", expected); }

  const Arguments& step_;
  const std::vector<double> values_;
  size_t at_ = 0;
};

constexpr double kMost = 1 << 16;
constexpr double kLargest = 1e300;

Augmentation read_erasing(const Arguments& step) {
  Numbers numbers(step, 8);
  RandomErasing erasing;
  erasing.probability = numbers.next(0, 1);
  AreaRule& rule = erasing.rule;
  rule.area_from = numbers.next(0, 1);
  rule.area_to = numbers.next(rule.area_from, 1);
  rule.aspect_from = numbers.next(std::numeric_limits<double>::denorm_min(), kMost);
  rule.aspect_to = numbers.next(rule.aspect_from, kMost);
  for (uint8_t& value : erasing.color) value = static_cast<uint8_t>(numbers.whole(0, 255));
  return erasing;
}

Augmentation read_augmentation(const Arguments& step, int64_t channels) {
  const std::string kind = step.text("kind");
  if (channels != 1 && channels != 3)
    step.refuse("kind", "none for images that are neither gray nor RGB");
  if (kind == "colorJitter") {
    Numbers numbers(step, 8);
    ColorJitter jitter;
    for (auto* range : {&jitter.brightness, &jitter.contrast, &jitter.saturation}) {
      *range = numbers.range(0, kLargest);
    }
    jitter.hue = numbers.range(-0.5, 0.5);
    return jitter;
  }
  if (kind == "lighting") {
    if (channels != 3) step.refuse("kind", "no lighting for gray images");
    return Lighting{Numbers(step, 1).next(0, kLargest)};
  }
  if (kind == "randomErasing") return read_erasing(step);
  if (kind == "trivialAugment") return TrivialAugment{Numbers(step, 1).whole(2, kMost)};
  if (kind == "randAugment") {
    Numbers numbers(step, 3);
    RandAugment rand;
    rand.operations = numbers.whole(1, kMost);
    rand.magnitude = numbers.whole(0, kMost);
    rand.bins = numbers.whole(rand.magnitude + 1, kMost);
    return rand;
  }
  step.refuse("kind", "an augmentation");
}

}  // namespace

std::vector<Augmentation> read_augmentations(const Arguments& description, int64_t channels) {
  std::vector<Augmentation> augmentations;
  for (const Arguments& step : description.objects("augmentations")) {
    augmentations.push_back(read_augmentation(step, channels));
  }
  return augmentations;
}

}  // namespace preresnet
