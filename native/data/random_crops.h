// Random steps that are drawn while an image is decoded: which part of it, and how large. The rules
// are documented to the pixel in docs/data.md, and are functions of a Draw and of nothing else.
#pragma once
#include <cstdint>

#include "data/order.h"
#include "data/pixels.h"

namespace preresnet {

/// Where a crop of random area lies in a stored image, by torchvision's rule for
/// RandomResizedCrop.
Window random_area(const Draw& draw, const ImageSize& stored, const AreaRule& rule);

/// A shorter side, uniform in from ... to.
int64_t random_side(const Draw& draw, int64_t from, int64_t to);

/// A crop of that size, uniform among those that lie within the image.
Window random_window(const Draw& draw, const ImageSize& image, int64_t height, int64_t width);

}  // namespace preresnet
