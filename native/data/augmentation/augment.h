// Random changes of a prepared image, drawn by seed, epoch and sample.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "data/augmentation/image.h"
#include "data/draw.h"
#include "data/pixels.h"
#include "data/sample_source.h"

namespace preresnet {

struct Range {
  double from = 0, to = 0;
};

/// Those that are there, in an order that is drawn; each factor is uniform in its range.
struct ColorJitter {
  std::optional<Range> brightness, contrast, saturation, hue;
};

/// Adds multiples of the principal components of ImageNet's colors; the multiples are normally
/// distributed.
struct Lighting {
  double std = 0;
};

/// A rectangle becomes one color, with a probability.
struct RandomErasing {
  double probability = 0;
  AreaRule rule;  // aspect: height / width
  std::array<uint8_t, 3> color{};
};

/// One operation of a magnitude that is drawn.
struct TrivialAugment {
  int bins = 0;
};

/// Several operations of one magnitude: its number among `bins`.
struct RandAugment {
  int operations = 0, magnitude = 0, bins = 0;
};

using Augmentation =
    std::variant<ColorJitter, Lighting, RandomErasing, TrivialAugment, RandAugment>;

/// In their order. An image has 1 or 3 channels; with Lighting 3.
void augment(const std::vector<Augmentation>&, const Draw&, const ImageView&);

/// The source's images, augmented.
std::unique_ptr<SampleSource> augmented_source(std::unique_ptr<SampleSource>,
                                               std::vector<Augmentation>, const SampleShape&);

}  // namespace preresnet
