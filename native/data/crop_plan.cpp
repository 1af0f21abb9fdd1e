#include "data/crop_plan.h"

#include <algorithm>

#include "data/random_crops.h"

namespace preresnet {
namespace {

/// Half of the difference, ties to even.
int64_t center(int64_t size, int64_t crop) {
  const int64_t border = size - crop;
  const int64_t half = border / 2;
  return border % 2 == 0 ? half : half + half % 2;
}

/// The shorter side becomes `side`, the longer one is rounded down.
ImageSize with_shorter_side(const ImageSize& stored, int64_t side) {
  const int64_t longer =
      side * std::max(stored.height, stored.width) / std::min(stored.height, stored.width);
  return stored.height <= stored.width ? ImageSize{side, longer} : ImageSize{longer, side};
}

ImageSize resized(const ImageSize& stored, const DecodeOptions& options, const Draw& draw) {
  const bool fits = stored.height == options.height && stored.width == options.width;
  if (options.resize == 0 || (options.keep_fitting && fits)) return stored;
  const int64_t side =
      options.resize_to > 0 ? random_side(draw, options.resize, options.resize_to) : options.resize;
  return with_shorter_side(stored, side);
}

void check_fits(const ImageSize& image, const ImageSize& crop, bool exact,
                const std::string& name) {
  const bool fits = exact ? crop.height == image.height && crop.width == image.width
                          : crop.height <= image.height && crop.width <= image.width;
  if (fits) return;
  fail_image(name, std::string("expected an image of ") + (exact ? "" : "at least ") +
                       size_text(crop.height, crop.width) + ", got " +
                       size_text(image.height, image.width) +
                       " (height x width); resize(n), centerCrop() at the front of the steps "
                       "of `prepare` (on the command line: --image, or --resize of eval) give it "
                       "that size");
}

Window middle(const ImageSize& image, const ImageSize& crop) {
  return {center(image.height, crop.height), center(image.width, crop.width), crop.height,
          crop.width};
}

/// The middle of that size, or all of the image where none is given.
Window part_of(const ImageSize& image, const ImageSize& part, const std::string& name) {
  if (part.height == 0) return {0, 0, image.height, image.width};
  check_fits(image, part, false, name);
  return middle(image, part);
}

/// A window of a part, as one of the image that the part belongs to.
Window inside(const Window& part, const Window& window) {
  return {part.top + window.top, part.left + window.left, window.height, window.width};
}

/// Top left, top right, bottom left, bottom right, center: as torchvision's FiveCrop.
Window one_of_five(const ImageSize& image, const ImageSize& crop, uint64_t which) {
  if (which == 4) return middle(image, crop);
  return {which / 2 == 0 ? 0 : image.height - crop.height,
          which % 2 == 0 ? 0 : image.width - crop.width, crop.height, crop.width};
}

}  // namespace

CropPlan plan_crop(const ImageSize& stored, const DecodeOptions& options, const Draw& draw,
                   const std::string& name) {
  const Window before = part_of(stored, options.before, name);
  const ImageSize source{before.height, before.width};
  if (options.crop == CropKind::area) {
    const ImageSize target{options.height, options.width};
    return {.source = inside(before, random_area(draw, source, options.area)),
            .target = target,
            .window = {0, 0, target.height, target.width},
            .drawn = true};
  }
  CropPlan result{.source = before, .target = resized(source, options, draw), .window = {}};
  const Window within = part_of(result.target, options.within, name);
  const ImageSize image{within.height, within.width};
  const ImageSize crop{options.height > 0 ? options.height : image.height,
                       options.width > 0 ? options.width : image.width};
  check_fits(image, crop, options.exact, name);
  if (options.crop == CropKind::random) {
    result.window = random_window(draw, image, crop.height, crop.width);
    result.drawn = true;
  } else if (options.crop == CropKind::ten) {
    const uint64_t which = draw.sample % 10;
    result.window = one_of_five(image, crop, which % 5);
    result.mirror = which >= 5;
  } else {
    result.window = middle(image, crop);
  }
  result.window = inside(within, result.window);
  return result;
}

int64_t reduction(const CropPlan& plan) {
  constexpr int64_t kMost = 8;
  int64_t scale = 1;
  while (scale < kMost && plan.source.height >= plan.target.height * 2 * scale &&
         plan.source.width >= plan.target.width * 2 * scale)
    scale *= 2;
  return scale;
}

}  // namespace preresnet
