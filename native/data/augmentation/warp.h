// Turning, shearing and moving an image, by the rules of torchvision's `affine` and `rotate` on
// tensors, with the nearest pixel. What comes from outside of the image is black.
#pragma once
#include "data/augmentation/image.h"

namespace preresnet {

/// Around the upper left corner: what lies `y` below it moves by slope * y.
void shear_x(const ImageView&, double slope);
void shear_y(const ImageView&, double slope);
void translate(const ImageView&, int64_t right, int64_t down);
/// Around the middle, counterclockwise.
void rotate(const ImageView&, double degrees);

}  // namespace preresnet
