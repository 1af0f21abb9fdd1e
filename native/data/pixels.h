// What the decoders of single formats hand over.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace preresnet {

/// [height][width][channels]. The buffer is reused from image to image.
struct Pixels {
  int64_t height = 0;  // of `data`
  int64_t width = 0;
  int64_t channels = 0;
  int64_t stored_height = 0;  // of the file; larger than `height` where the decoder scaled
  int64_t stored_width = 0;
  std::vector<uint8_t> data;
};

/// ITU-R 601 luma.
inline uint8_t to_grey(int red, int green, int blue) {
  return static_cast<uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

/// `name`: reason, as Error("ERR_IMAGE").
[[noreturn]] void fail_image(const std::string& name, const std::string& reason);

/// What an image of too many pixels is refused with; empty for one that may be decoded.
std::string too_large(int64_t height, int64_t width, int64_t most);

}  // namespace preresnet
