// What the decoders of single formats are told and what they hand over.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace preresnet {

/// Larger ones are refused before memory is asked for: a file of a few bytes can promise any size.
constexpr int64_t kMaximumPixels = int64_t{1} << 28;

struct ImageSize {
  int64_t height = 0;
  int64_t width = 0;
};

/// A part of an image, in its pixels.
struct Window {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;
};

/// Both are antialiased, as Pillow's filters of the same names.
enum class Filter : uint8_t { bilinear, bicubic };

/// Which part of an image becomes the result.
enum class CropKind : uint8_t {
  center,
  random,  // uniform among all places
  area,    // of random area and aspect ratio, resized to the result's size
  ten      // sample % 10: the four corners and the center, then the same mirrored
};

/// Of CropKind::area: shares of the image's area, and width / height.
struct AreaRule {
  double area_from = 0.08;
  double area_to = 1;
  double aspect_from = 3.0 / 4;
  double aspect_to = 4.0 / 3;
};

struct DecodeOptions {
  int64_t channels = 3;   // 3: RGB, 1: gray
  int64_t resize = 0;     // shorter side after resizing; 0: as stored
  int64_t resize_to = 0;  // above 0: the shorter side is drawn from resize ... resize_to
  int64_t height = 0;     // of the crop; 0: no crop in this direction
  int64_t width = 0;
  ImageSize before;    // the middle of this size alone is prepared; 0: all of the image
  ImageSize within;    // and once it is resized, its middle of this size is cropped; 0: all of it
  bool exact = false;  // the image must have the size of the crop: nothing is cut off
  // An image that has the size of the crop stays as it is stored: `resize` is for the others.
  bool keep_fitting = false;
  CropKind crop = CropKind::center;
  AreaRule area;
  Filter filter = Filter::bilinear;
  // A JPEG that is at least twice as large as what it is resized to is decoded at 1/2, 1/4 or 1/8.
  bool scaled = false;
  bool upright = false;                     // the orientation in EXIF data is obeyed
  int64_t maximum_pixels = kMaximumPixels;  // as stored
  // The bytes are no file, but the pixels of an image of this size; 0: a file.
  int64_t given_height = 0;
  int64_t given_width = 0;
};

struct Pixels {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  std::vector<uint8_t> data;  // [height][width][channels]
};

/// ITU-R 601 luma.
inline uint8_t to_gray(int red, int green, int blue) {
  return static_cast<uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

/// Gray becomes three equal channels, three become gray: in place, where `channels` is another
/// number than there are.
void convert_channels(Pixels& pixels, int64_t channels);

/// `name`: reason, as Error("ERR_IMAGE").
[[noreturn]] void fail_image(const std::string& name, const std::string& reason);

/// "height x width".
std::string size_text(int64_t height, int64_t width);

/// What to say where memory for so many pixels cannot be had.
std::string no_memory(const ImageSize& size);

/// Refuses an image of more pixels than `most`.
void check_pixels(const std::string& name, const ImageSize& size, int64_t most);

}  // namespace preresnet
