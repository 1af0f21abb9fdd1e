#include "data/png.h"

#include <spng.h>

#include <cstring>
#include <memory>

#include "data/decode.h"

namespace preresnet {
namespace {

struct Free {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};

}  // namespace

bool is_png(const uint8_t* file, size_t size) {
  constexpr uint8_t kSignature[8] = {137, 80, 78, 71, 13, 10, 26, 10};
  return size >= sizeof kSignature && std::memcmp(file, kSignature, sizeof kSignature) == 0;
}

void decode_png(const uint8_t* file, size_t size, int64_t channels, const std::string& name,
                Pixels& pixels) {
  const std::unique_ptr<spng_ctx, Free> context(spng_ctx_new(0));
  if (!context) fail_image(name, "no memory for a PNG decoder");
  const auto check = [&](int result) {
    if (result != 0) fail_image(name, spng_strerror(result));
  };
  check(spng_set_png_buffer(context.get(), file, size));
  spng_ihdr header;
  check(spng_get_ihdr(context.get(), &header));
  pixels.height = pixels.stored_height = header.height;
  pixels.width = pixels.stored_width = header.width;
  pixels.channels = channels;
  if (pixels.height * pixels.width > kMaximumPixels) {
    fail_image(name, "expected at most " + std::to_string(kMaximumPixels) + " pixels, got " +
                         std::to_string(header.width) + " x " + std::to_string(header.height));
  }
  size_t bytes = 0;
  check(spng_decoded_image_size(context.get(), SPNG_FMT_RGB8, &bytes));
  pixels.data.resize(bytes);
  check(spng_decode_image(context.get(), pixels.data.data(), bytes, SPNG_FMT_RGB8, 0));
  if (channels == 1) {
    const size_t count = bytes / 3;
    for (size_t i = 0; i < count; ++i) {
      const uint8_t* rgb = &pixels.data[i * 3];
      pixels.data[i] = to_grey(rgb[0], rgb[1], rgb[2]);
    }
    pixels.data.resize(count);
  }
}

std::string png_library() { return std::string("libspng ") + spng_version_string(); }

}  // namespace preresnet
