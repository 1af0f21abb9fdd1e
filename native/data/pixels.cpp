#include "data/pixels.h"

#include <algorithm>

#include "core/error.h"

namespace preresnet {

std::string size_text(int64_t height, int64_t width) {
  return std::to_string(height) + " x " + std::to_string(width);
}

void fail_image(const std::string& name, const std::string& reason) {
  throw Error("ERR_IMAGE", name + ": " + reason);
}

std::string no_memory(const ImageSize& size) {
  return "no memory for " + size_text(size.height, size.width) + " pixels";
}

void check_pixels(const std::string& name, const ImageSize& size, int64_t most) {
  if (size.height * size.width <= most) return;
  fail_image(name, "expected at most " + std::to_string(most) + " pixels, got " +
                       size_text(size.height, size.width) + " (height x width)");
}

void convert_channels(Pixels& pixels, int64_t channels) {
  if (pixels.channels == channels) return;
  const auto count = static_cast<size_t>(pixels.height * pixels.width);
  std::vector<uint8_t>& data = pixels.data;
  if (channels == 3) {
    data.resize(count * 3);
    for (size_t i = count; i-- > 0;) std::fill_n(&data[i * 3], 3, data[i]);
  } else {
    for (size_t i = 0; i < count; ++i)
      data[i] = to_gray(data[i * 3], data[i * 3 + 1], data[i * 3 + 2]);
    data.resize(count);
  }
  pixels.channels = channels;
}

}  // namespace preresnet
