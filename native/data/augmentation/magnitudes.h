// The operations of TrivialAugment and RandAugment, with torchvision's magnitudes.
#pragma once
#include <cstdint>

#include "data/augmentation/image.h"

namespace preresnet {

/// In the order of torchvision's tables.
enum class ColorOrShape : uint8_t {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  color,
  contrast,
  sharpness,
  posterize,
  solarize,
  autocontrast,
  equalize
};
constexpr int kColorsOrShapes = 14;

/// Which of torchvision's two tables: of `TrivialAugmentWide`, of `RandAugment`.
enum class MagnitudeTable : uint8_t { wide, rand };

/// Number `bin` of the table's `bins` magnitudes of an operation, 0 where it has none. `size`: of
/// the image in the direction in which it is moved.
double magnitude_of(MagnitudeTable, ColorOrShape, int bin, int bins, int64_t size);

/// Whether a magnitude may be taken with the other sign.
bool is_signed(ColorOrShape);

void apply(const ImageView&, ColorOrShape, double magnitude);

}  // namespace preresnet
