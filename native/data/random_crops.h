// Which part of an image is taken at random, and how large. The rules are documented to the pixel
// in docs/data.md, and are functions of a Draw and of nothing else.
#pragma once
#include <cstdint>

#include "data/draw.h"
#include "data/pixels.h"

namespace preresnet {

/// Ties to even, as Python rounds. A side that no number of pixels holds, of a height / width next
/// to nothing, stays larger than any image.
int64_t rounded(double pixels);

/// Where a crop of random area lies in a stored image, by torchvision's rule for
/// RandomResizedCrop.
Window random_area(const Draw& draw, const ImageSize& stored, const AreaRule& rule);

/// A shorter side, uniform in from ... to.
int64_t random_side(const Draw& draw, int64_t from, int64_t to);

/// A crop of that size, uniform among those that lie within the image.
Window random_window(const Draw& draw, const ImageSize& image, int64_t height, int64_t width);

/// What is cropped when the network reads the image.
struct Crop {
  int32_t top = 0;  // of the crop in the padded image
  int32_t left = 0;
  int32_t mirror = 0;  // 1: left and right exchanged
};

/// Uniform among the (2 pad + 1)^2 positions; mirrored half of the time where `flip`.
Crop random_crop(const Draw& draw, int64_t pad, bool flip);

}  // namespace preresnet
