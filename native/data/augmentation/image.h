// Pixels that are changed where they lie.
#pragma once
#include <cstddef>
#include <cstdint>

namespace preresnet {

/// [height][width][channels]
struct ImageView {
  uint8_t* pixels = nullptr;
  int64_t height = 0, width = 0, channels = 0;

  size_t pixel_count() const { return static_cast<size_t>(height * width); }
  size_t values() const { return pixel_count() * static_cast<size_t>(channels); }
};

}  // namespace preresnet
