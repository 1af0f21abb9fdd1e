// What the decoders of single formats are told and what they hand over.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace preresnet {

/// Larger ones are refused before memory is asked for: a file of a few bytes can promise any size.
constexpr int64_t kMaximumPixels = int64_t{1} << 28;

struct DecodeOptions {
  int64_t channels = 3;  // 3: RGB, 1: gray
  // Shorter side after resizing, as Pillow's antialiased bilinear; 0: as stored.
  int64_t resize = 0;
  int64_t height = 0;  // center crop; 0: no crop in this direction
  int64_t width = 0;
  bool exact = false;  // the image must have the size of the crop: nothing is cut off
  // An image that has the size of the crop stays as it is stored: `resize` is for the others.
  bool keep_fitting = false;
  int64_t maximum_pixels = kMaximumPixels;  // as stored
};

struct ImageSize {
  int64_t height = 0;
  int64_t width = 0;
};

/// [height][width][channels]. The buffer is reused from image to image.
struct Pixels {
  int64_t height = 0;  // of `data`
  int64_t width = 0;
  int64_t channels = 0;
  int64_t stored_height = 0;  // of the file
  int64_t stored_width = 0;
  // Pixels of the file on each side of one of `data`: `height` is stored_height / scale, rounded
  // up.
  int64_t scale = 1;
  std::vector<uint8_t> data;
};

/// ITU-R 601 luma.
inline uint8_t to_gray(int red, int green, int blue) {
  return static_cast<uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

/// `name`: reason, as Error("ERR_IMAGE").
[[noreturn]] void fail_image(const std::string& name, const std::string& reason);

/// "height x width".
std::string size_text(int64_t height, int64_t width);

/// What an image of too many pixels is refused with; empty for one that may be decoded.
std::string too_large(int64_t height, int64_t width, int64_t most);

}  // namespace preresnet
