#include "data/png.h"

#include <spng.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace preresnet {
namespace {

struct Free {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};

/// A file whose header has been read.
class Reader {
 public:
  Reader(const uint8_t* file, size_t size, const std::string& name)
      : name_(name), context_(spng_ctx_new(0)) {
    // Profiles and texts are compressed, and unpacked although nobody asks for them.
    constexpr size_t kUnpacked = 8 << 20;
    if (!context_) fail_image(name_, "no memory for a PNG decoder");
    const size_t most = std::clamp(size, kUnpacked, size_t{0x7FFFFFFF});
    check(spng_set_chunk_limits(get(), most, most));
    check(spng_set_png_buffer(get(), file, size));
    check(spng_get_ihdr(get(), &header_));
  }

  spng_ctx* get() const { return context_.get(); }
  const spng_ihdr& header() const { return header_; }
  void check(int result) const {
    if (result != 0) fail_image(name_, spng_strerror(result));
  }

 private:
  const std::string& name_;
  std::unique_ptr<spng_ctx, Free> context_;
  spng_ihdr header_{};
};

}  // namespace

bool is_png(const uint8_t* file, size_t size) {
  constexpr uint8_t kSignature[8] = {137, 80, 78, 71, 13, 10, 26, 10};
  return size >= sizeof kSignature && std::memcmp(file, kSignature, sizeof kSignature) == 0;
}

void decode_png(const uint8_t* file, size_t size, const DecodeOptions& options,
                const std::string& name, Pixels& pixels) {
  const Reader context(file, size, name);
  const auto check = [&](int result) { context.check(result); };
  pixels.height = pixels.stored_height = context.header().height;
  pixels.width = pixels.stored_width = context.header().width;
  pixels.channels = options.channels;
  pixels.scale = 1;
  const std::string reason = too_large(pixels.height, pixels.width, options.maximum_pixels);
  if (!reason.empty()) fail_image(name, reason);
  size_t bytes = 0;
  check(spng_decoded_image_size(context.get(), SPNG_FMT_RGB8, &bytes));
  pixels.data.resize(bytes);
  check(spng_decode_image(context.get(), pixels.data.data(), bytes, SPNG_FMT_RGB8, 0));
  if (options.channels == 1) {
    const size_t count = bytes / 3;
    for (size_t i = 0; i < count; ++i) {
      const uint8_t* rgb = &pixels.data[i * 3];
      pixels.data[i] = to_gray(rgb[0], rgb[1], rgb[2]);
    }
    pixels.data.resize(count);
  }
}

ImageSize png_size(const uint8_t* file, size_t size, const std::string& name) {
  const Reader reader(file, size, name);
  return {reader.header().height, reader.header().width};
}

std::string png_library() { return std::string("libspng ") + spng_version_string(); }

}  // namespace preresnet
