// Changes of colors, by the rules of torchvision's functions of these names on tensors of bytes
// (torchvision.transforms.v2.functional). Factors are at least 0; 1 changes nothing.
#pragma once
#include <array>

#include "data/augmentation/image.h"

namespace preresnet {

void adjust_brightness(const ImageView&, double factor);
void adjust_contrast(const ImageView&, double factor);
/// Gray images stay as they are, as with adjust_hue.
void adjust_saturation(const ImageView&, double factor);
/// turn: -0.5 to 0.5 of the circle of hues.
void adjust_hue(const ImageView&, double turn);
void adjust_sharpness(const ImageView&, double factor);
/// bits: that are kept, 0 to 8.
void posterize(const ImageView&, int bits);
/// Values of at least `threshold` are inverted.
void solarize(const ImageView&, double threshold);
void autocontrast(const ImageView&);
void equalize(const ImageView&);
/// Adds to each channel, in 255ths, rounded; not of torchvision.
void shift_channels(const ImageView&, const std::array<double, 3>& shifts);

}  // namespace preresnet
