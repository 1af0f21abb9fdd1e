#include "data/decode.h"

#include <cstring>
#include <functional>

#include "core/error.h"
#include "data/crop_plan.h"
#include "data/exif.h"
#include "data/jpeg.h"
#include "data/png.h"
#include "data/pnm.h"
#include "data/resize.h"
#include "data/webp.h"

namespace preresnet {
namespace {

enum class Format : uint8_t { jpeg, png, webp, pnm };

Format format_of(const uint8_t* file, size_t size, const std::string& name) {
  if (is_jpeg(file, size)) return Format::jpeg;
  if (is_png(file, size)) return Format::png;
  if (is_webp(file, size)) return Format::webp;
  if (is_pnm(file, size)) return Format::pnm;
  fail_image(name, size == 0 ? "the file is empty"
                             : "expected a JPEG, PNG or WebP file, got other contents");
}

struct Closing {
  JpegDecoder& jpeg;
  ~Closing() { jpeg.close(); }
};

}  // namespace

struct ImageDecoder::State {
  /// Memory for the result of a plan.
  using Target = std::function<uint8_t*(const CropPlan&)>;

  JpegDecoder jpeg;
  Resizer resizer;
  Pixels pixels;
  Pixels turned;

  void decode(const uint8_t* file, size_t size, const DecodeOptions& options,
              const std::string& name, const Draw& draw, const Target& target) {
    if (options.channels != 1 && options.channels != 3) {
      throw Error("ERR_OPTION",
                  "decode: expected 1 or 3 channels, got " + std::to_string(options.channels));
    }
    if (options.given_height > 0) {
      prepare(file, {options.given_height, options.given_width}, options, name, draw, target);
      return;
    }
    const Format format = format_of(file, size, name);
    if (format == Format::jpeg) {
      const Closing closing{jpeg};
      const ImageSize stored = jpeg.open(file, size, name, options.maximum_pixels);
      const int orientation = options.upright ? jpeg.orientation() : 1;
      if (orientation == 1) {
        decode_part(stored, options, name, draw, target);
        return;
      }
      decode_whole(options);
      turn_upright(pixels, orientation, turned);
    } else if (format == Format::png) {
      decode_png(file, size, options, name, pixels);
    } else if (format == Format::webp) {
      decode_webp(file, size, options, name, pixels);
      if (options.upright) turn_upright(pixels, webp_orientation(file, size), turned);
    } else {
      decode_pnm(file, size, options, name, pixels);
    }
    prepare(pixels.data.data(), {pixels.height, pixels.width}, options, name, draw, target);
  }

  /// From the scanlines straight into the resize.
  void decode_part(const ImageSize& stored, const DecodeOptions& options, const std::string& name,
                   const Draw& draw, const Target& target) {
    const CropPlan plan = plan_crop(stored, options, draw, name);
    const int64_t scale = options.scaled ? reduction(plan) : 1;
    const ImageSize image = jpeg.start(scale, options.channels);
    resizer.begin(plan, scale, image, options.channels, options.filter, target(plan));
    jpeg.read(resizer.needed(), !plan.drawn, [&](const uint8_t* rows, size_t pitch, int64_t count) {
      resizer.add(rows, pitch, count);
    });
    resizer.finish();
  }

  void decode_whole(const DecodeOptions& options) {
    const auto [height, width] = jpeg.start(1, options.channels);
    const size_t row = static_cast<size_t>(width * options.channels);
    pixels.height = height;
    pixels.width = width;
    pixels.channels = options.channels;
    pixels.data.resize(height * row);
    uint8_t* to = pixels.data.data();
    jpeg.read({0, 0, height, width}, true, [&](const uint8_t* rows, size_t pitch, int64_t count) {
      for (int64_t i = 0; i < count; ++i, to += row) std::memcpy(to, rows + i * pitch, row);
    });
  }

  void prepare(const uint8_t* stored, const ImageSize& size, const DecodeOptions& options,
               const std::string& name, const Draw& draw, const Target& target) {
    const CropPlan plan = plan_crop(size, options, draw, name);
    resizer.begin(plan, 1, size, options.channels, options.filter, target(plan));
    const auto& [top, left, height, width] = resizer.needed();
    const auto pitch = static_cast<size_t>(size.width * options.channels);
    resizer.add(stored + top * pitch + left * options.channels, pitch, height);
    resizer.finish();
  }
};

ImageDecoder::ImageDecoder() : state_(std::make_unique<State>()) {}
ImageDecoder::~ImageDecoder() = default;

Pixels ImageDecoder::decode(const uint8_t* file, size_t size, const DecodeOptions& options,
                            const std::string& name, const Draw& draw) {
  Pixels image;
  state_->decode(file, size, options, name, draw, [&](const CropPlan& plan) {
    const auto& [top, left, height, width] = plan.window;
    image = {height, width, options.channels, {}};
    image.data.resize(static_cast<size_t>(height * width * options.channels));
    return image.data.data();
  });
  return image;
}

void ImageDecoder::decode_into(const uint8_t* file, size_t size, const DecodeOptions& options,
                               const std::string& name, const Draw& draw, uint8_t* pixels) {
  state_->decode(file, size, options, name, draw, [&](const CropPlan&) { return pixels; });
}

ImageSize image_size(const uint8_t* file, size_t size, int64_t maximum_pixels,
                     const std::string& name) {
  switch (format_of(file, size, name)) {
    case Format::jpeg:
      return JpegDecoder().open(file, size, name, maximum_pixels);
    case Format::png:
      return png_size(file, size, name, maximum_pixels);
    case Format::webp:
      return webp_size(file, size, name, maximum_pixels);
    case Format::pnm:
      break;
  }
  return pnm_size(file, size, name, maximum_pixels);
}

}  // namespace preresnet
