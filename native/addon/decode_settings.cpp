#include "addon/decode_settings.h"

#include <string>
#include <vector>

namespace preresnet {
namespace {

CropKind read_crop(const Arguments& given) {
  if (!given.has("crop")) return CropKind::center;
  const std::string name = given.text("crop");
  if (name == "center") return CropKind::center;
  if (name == "random") return CropKind::random;
  if (name == "area") return CropKind::area;
  if (name == "ten") return CropKind::ten;
  given.refuse("crop", "\"center\", \"random\", \"area\" or \"ten\"");
}

Filter read_filter(const Arguments& given) {
  if (!given.has("filter")) return Filter::bilinear;
  const std::string name = given.text("filter");
  if (name != "bilinear" && name != "bicubic")
    given.refuse("filter", "\"bilinear\" or \"bicubic\"");
  return name == "bicubic" ? Filter::bicubic : Filter::bilinear;
}

AreaRule read_area(const Arguments& given) {
  if (!given.has("area")) return {};
  const std::vector<double> values = given.doubles("area");
  const auto range = [&](size_t at, double most) {
    return values[at] > 0 && values[at] <= values[at + 1] && values[at + 1] <= most;
  };
  constexpr double kWidest = 1 << 16;
  if (values.size() != 4 || !range(0, 1) || !range(2, kWidest))
    given.refuse("area", "two shares of the area and two aspect ratios, each pair in order");
  return {values[0], values[1], values[2], values[3]};
}

/// Both sides are 0 where nothing is given.
ImageSize read_part(const Arguments& given, const char* name) {
  if (!given.has(name)) return {};
  const Arguments part = given.object(name);
  return {part.integer("height", 1, kLargestSide), part.integer("width", 1, kLargestSide)};
}

}  // namespace

DecodeOptions read_decode_settings(const Arguments& given) {
  DecodeOptions options;
  if (given.has("resize")) options.resize = given.integer("resize", 0, kLargestSide);
  if (given.has("resizeTo"))
    options.resize_to = given.integer("resizeTo", options.resize, kLargestSide);
  options.before = read_part(given, "before");
  options.within = read_part(given, "within");
  options.exact = given.boolean_or("exact", false);
  options.keep_fitting = given.boolean_or("keepFitting", false);
  options.crop = read_crop(given);
  options.area = read_area(given);
  options.filter = read_filter(given);
  options.scaled = given.boolean_or("scaled", false);
  options.upright = given.boolean_or("upright", false);
  return options;
}

}  // namespace preresnet
