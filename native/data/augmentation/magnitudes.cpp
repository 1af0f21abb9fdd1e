#include "data/augmentation/magnitudes.h"

#include <cmath>

#include "data/augmentation/colors.h"
#include "data/augmentation/warp.h"

namespace preresnet {
namespace {

/// As torch.linspace in single precision: from both ends to the middle.
float evenly(float from, float to, int bin, int bins) {
  if (bins == 1) return from;
  const float step = (to - from) / static_cast<float>(bins - 1);
  return bin < bins / 2 ? from + step * static_cast<float>(bin)
                        : to - step * static_cast<float>(bins - bin - 1);
}

/// Bits that are left, from 8 down by `lost`.
float bits(float lost, int bin, int bins) {
  if (bins == 1) return 8;
  return std::nearbyint(8 - static_cast<float>(bin) / (static_cast<float>(bins - 1) / lost));
}

}  // namespace

double magnitude_of(MagnitudeTable table, ColorOrShape operation, int bin, int bins, int64_t size) {
  const bool wide = table == MagnitudeTable::wide;
  const auto up_to = [&](double largest) {
    return static_cast<double>(evenly(0, static_cast<float>(largest), bin, bins));
  };
  switch (operation) {
    case ColorOrShape::shear_x:
    case ColorOrShape::shear_y:
      return up_to(wide ? 0.99 : 0.3);
    case ColorOrShape::translate_x:
    case ColorOrShape::translate_y:
      return up_to(wide ? 32 : 150.0 / 331.0 * static_cast<double>(size));
    case ColorOrShape::rotate:
      return up_to(wide ? 135 : 30);
    case ColorOrShape::brightness:
    case ColorOrShape::color:
    case ColorOrShape::contrast:
    case ColorOrShape::sharpness:
      return up_to(wide ? 0.99 : 0.9);
    case ColorOrShape::posterize:
      return static_cast<double>(bits(wide ? 6 : 4, bin, bins));
    case ColorOrShape::solarize:
      return static_cast<double>(evenly(1, 0, bin, bins));
    default:
      return 0;
  }
}

bool is_signed(ColorOrShape operation) {
  return operation >= ColorOrShape::shear_x && operation <= ColorOrShape::sharpness;
}

void apply(const ImageView& image, ColorOrShape operation, double magnitude) {
  switch (operation) {
    case ColorOrShape::identity:
      return;
    case ColorOrShape::shear_x:
      return shear_x(image, magnitude);
    case ColorOrShape::shear_y:
      return shear_y(image, magnitude);
    case ColorOrShape::translate_x:
      return translate(image, static_cast<int64_t>(magnitude), 0);
    case ColorOrShape::translate_y:
      return translate(image, 0, static_cast<int64_t>(magnitude));
    case ColorOrShape::rotate:
      return rotate(image, magnitude);
    case ColorOrShape::brightness:
      return adjust_brightness(image, 1 + magnitude);
    case ColorOrShape::color:
      return adjust_saturation(image, 1 + magnitude);
    case ColorOrShape::contrast:
      return adjust_contrast(image, 1 + magnitude);
    case ColorOrShape::sharpness:
      return adjust_sharpness(image, 1 + magnitude);
    case ColorOrShape::posterize:
      return posterize(image, static_cast<int>(magnitude));
    case ColorOrShape::solarize:
      return solarize(image, 255 * magnitude);
    case ColorOrShape::autocontrast:
      return autocontrast(image);
    case ColorOrShape::equalize:
      return equalize(image);
  }
}

}  // namespace preresnet
