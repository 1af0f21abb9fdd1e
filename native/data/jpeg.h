// JPEG through libjpeg-turbo: gray, YCbCr, RGB, CMYK and YCCK, baseline and progressive.
#pragma once
#include <memory>

#include "data/pixels.h"

namespace preresnet {

bool is_jpeg(const uint8_t* file, size_t size);

class JpegDecoder {
 public:
  JpegDecoder();
  ~JpegDecoder();
  /// An image that is much larger than what it will be resized to is scaled down while it is
  /// decoded, to no less than twice that. A file that ends before its last pixel or is damaged
  /// throws; one that lacks its end marker alone is read, whatever stands in its place.
  void decode(const uint8_t* file, size_t size, const DecodeOptions&, const std::string& name,
              Pixels&);
  /// As stored, by the header alone.
  ImageSize size(const uint8_t* file, size_t size, const std::string& name);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace preresnet
