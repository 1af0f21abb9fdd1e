// JPEG through libjpeg-turbo: grey, YCbCr, RGB, CMYK and YCCK, baseline and progressive.
#pragma once
#include <memory>

#include "data/pixels.h"

namespace preresnet {

bool is_jpeg(const uint8_t* file, size_t size);

class JpegDecoder {
 public:
  JpegDecoder();
  ~JpegDecoder();
  /// channels: 1 or 3. shorter: what the shorter side will be resized to; an image that is much
  /// larger is scaled down while it is decoded, to no less than twice that. 0: full size. A file
  /// that ends early or is damaged throws.
  void decode(const uint8_t* file, size_t size, int64_t channels, int64_t shorter,
              const std::string& name, Pixels&);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace preresnet
