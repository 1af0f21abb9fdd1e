// JPEG, PNG, WebP and PNM files to 8-bit pixels.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "data/draw.h"
#include "data/pixels.h"

namespace preresnet {

/// Keeps its buffers from image to image: one a thread. `name` stands in errors, `draw` is for the
/// random steps of `options`.
class ImageDecoder {
 public:
  ImageDecoder();
  ~ImageDecoder();
  ImageDecoder(const ImageDecoder&) = delete;
  ImageDecoder& operator=(const ImageDecoder&) = delete;

  /// An alpha channel is dropped, 16 bits become 8: as torchvision's loader does. Throws ERR_IMAGE
  /// for anything that is not a whole image, or smaller than the crop. Of a JPEG whose crop is
  /// drawn at random only what the crop needs is read: what is broken below it is not noticed.
  Pixels decode(const uint8_t* file, size_t size, const DecodeOptions& options,
                const std::string& name, const Draw& draw = {});
  /// The same into height * width * channels bytes at `pixels`; height and width are given.
  void decode_into(const uint8_t* file, size_t size, const DecodeOptions& options,
                   const std::string& name, const Draw& draw, uint8_t* pixels);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// As stored, by the file's header alone. Throws ERR_IMAGE for what has none, or more pixels.
ImageSize image_size(const uint8_t* file, size_t size, int64_t maximum_pixels = kMaximumPixels,
                     const std::string& name = "image");

/// "libjpeg-turbo 2.1.5" and so on, for `doctor`.
std::string jpeg_library();
std::string png_library();
std::string webp_library();

}  // namespace preresnet
