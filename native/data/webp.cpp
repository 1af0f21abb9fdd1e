#include "data/webp.h"

#include <webp/decode.h>

#include <cstring>
#include <new>

namespace preresnet {
namespace {

/// In words. `pixels`: what had been promised when it was found.
std::string reason_of(VP8StatusCode status, const ImageSize& pixels) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return no_memory(pixels);
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "Premature end of WebP file";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "the WebP file has a feature that libwebp does not read";
    default:
      return "the data of the WebP file are malformed";
  }
}

}  // namespace

bool is_webp(const uint8_t* file, size_t size) {
  return size >= 12 && std::memcmp(file, "RIFF", 4) == 0 && std::memcmp(file + 8, "WEBP", 4) == 0;
}

ImageSize webp_size(const uint8_t* file, size_t size, const std::string& name,
                    int64_t maximum_pixels) {
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(file, size, &features);
  if (status != VP8_STATUS_OK) fail_image(name, reason_of(status, {}));
  if (features.has_animation != 0)
    fail_image(name, "expected a still image, got an animated WebP file");
  const ImageSize stored{features.height, features.width};
  check_pixels(name, stored, maximum_pixels);
  return stored;
}

void decode_webp(const uint8_t* file, size_t size, const DecodeOptions& options,
                 const std::string& name, Pixels& pixels) {
  const ImageSize stored = webp_size(file, size, name, options.maximum_pixels);
  pixels.height = stored.height;
  pixels.width = stored.width;
  pixels.channels = 3;
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) fail_image(name, "libwebp is of another version");
  try {
    pixels.data.resize(static_cast<size_t>(stored.height * stored.width * 3));
  } catch (const std::bad_alloc&) {
    fail_image(name, no_memory(stored));
  }
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {pixels.data.data(), static_cast<int>(stored.width * 3),
                          pixels.data.size()};
  const VP8StatusCode status = WebPDecode(file, size, &config);
  WebPFreeDecBuffer(&config.output);
  if (status != VP8_STATUS_OK) fail_image(name, reason_of(status, stored));
  convert_channels(pixels, options.channels);
}

std::string webp_library() {
  const int version = WebPGetDecoderVersion();
  return "libwebp " + std::to_string(version >> 16) + "." + std::to_string(version >> 8 & 0xFF) +
         "." + std::to_string(version & 0xFF);
}

}  // namespace preresnet
