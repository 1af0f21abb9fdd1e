#include "data/decode.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "data/jpeg.h"
#include "data/png.h"
#include "data/resize.h"

namespace preresnet {
namespace {

// Half of the difference, ties to even.
int64_t center(int64_t size, int64_t crop) {
  const int64_t border = size - crop;
  const int64_t half = border / 2;
  return border % 2 == 0 ? half : half + half % 2;
}

enum class Format : uint8_t { jpeg, png };

Format format_of(const uint8_t* file, size_t size, const std::string& name) {
  if (is_jpeg(file, size)) return Format::jpeg;
  if (is_png(file, size)) return Format::png;
  fail_image(name,
             size == 0 ? "the file is empty" : "expected a JPEG or PNG file, got other contents");
}

}  // namespace

struct ImageDecoder::State {
  JpegDecoder jpeg;
  Resizer resizer;
  Pixels pixels;
  // Of the image that was decoded last.
  int64_t height = 0;  // after resizing, before cropping
  int64_t width = 0;
  Window window;

  void decode(const uint8_t* file, size_t size, const DecodeOptions& options,
              const std::string& name) {
    if (options.channels != 1 && options.channels != 3) {
      throw Error("ERR_OPTION",
                  "decode: expected 1 or 3 channels, got " + std::to_string(options.channels));
    }
    if (format_of(file, size, name) == Format::jpeg) {
      jpeg.decode(file, size, options, name, pixels);
    } else {
      decode_png(file, size, options, name, pixels);
    }
    height = pixels.stored_height;
    width = pixels.stored_width;
    if (options.resize > 0 &&
        !(options.keep_fitting && height == options.height && width == options.width)) {
      const int64_t shorter = std::min(height, width);
      const int64_t longer = options.resize * std::max(height, width) / shorter;
      (height <= width ? height : width) = options.resize;
      (pixels.stored_height <= pixels.stored_width ? width : height) = longer;
    }
    window.height = options.height > 0 ? options.height : height;
    window.width = options.width > 0 ? options.width : width;
    const bool fits = options.exact ? window.height == height && window.width == width
                                    : window.height <= height && window.width <= width;
    if (!fits) {
      fail_image(name, std::string("expected an image of ") + (options.exact ? "" : "at least ") +
                           size_text(window.height, window.width) + ", got " +
                           size_text(height, width) +
                           " (height x width); resize(n), centerCrop() at the front of the steps "
                           "of `prepare` (on the command line: --image) give it that size");
    }
    window.top = center(height, window.height);
    window.left = center(width, window.width);
  }

  void store(uint8_t* target) {
    const auto side = [&](int64_t decoded, int64_t stored) {
      return Side{decoded, static_cast<double>(stored) / static_cast<double>(pixels.scale)};
    };
    resizer.resize(pixels.data.data(), side(pixels.height, pixels.stored_height),
                   side(pixels.width, pixels.stored_width), pixels.channels, height, width, window,
                   target);
  }
};

ImageDecoder::ImageDecoder() : state_(std::make_unique<State>()) {}
ImageDecoder::~ImageDecoder() = default;

DecodedImage ImageDecoder::decode(const uint8_t* file, size_t size, const DecodeOptions& options,
                                  const std::string& name) {
  state_->decode(file, size, options, name);
  DecodedImage image{state_->window.height, state_->window.width, options.channels, {}};
  image.pixels.resize(image.height * image.width * image.channels);
  state_->store(image.pixels.data());
  return image;
}

void ImageDecoder::decode_into(const uint8_t* file, size_t size, const DecodeOptions& options,
                               const std::string& name, uint8_t* pixels) {
  state_->decode(file, size, options, name);
  state_->store(pixels);
}

ImageSize image_size(const uint8_t* file, size_t size, int64_t maximum_pixels,
                     const std::string& name) {
  const ImageSize stored = format_of(file, size, name) == Format::jpeg
                               ? JpegDecoder().size(file, size, name)
                               : png_size(file, size, name);
  const std::string reason = too_large(stored.height, stored.width, maximum_pixels);
  if (!reason.empty()) fail_image(name, reason);
  return stored;
}

DecodedImage decode_image(const uint8_t* file, size_t size, const DecodeOptions& options,
                          const std::string& name) {
  return ImageDecoder().decode(file, size, options, name);
}

}  // namespace preresnet
