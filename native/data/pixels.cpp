#include "data/pixels.h"

#include "core/error.h"

namespace preresnet {

std::string size_text(int64_t height, int64_t width) {
  return std::to_string(height) + " x " + std::to_string(width);
}

std::string too_large(int64_t height, int64_t width, int64_t most) {
  if (height * width <= most) return {};
  return "expected at most " + std::to_string(most) + " pixels, got " + size_text(height, width) +
         " (height x width)";
}

void fail_image(const std::string& name, const std::string& reason) {
  throw Error("ERR_IMAGE", name + ": " + reason);
}

}  // namespace preresnet
