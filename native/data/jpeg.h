// JPEG through libjpeg-turbo: gray, YCbCr, RGB, CMYK and YCCK, baseline and progressive.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "data/pixels.h"

namespace preresnet {

bool is_jpeg(const uint8_t* file, size_t size);

/// Reads one file after the other: open, start, read, close. Keeps its buffers.
class JpegDecoder {
 public:
  JpegDecoder();
  ~JpegDecoder();

  /// As stored, by the header alone; `file` must live until its rows are read.
  ImageSize open(const uint8_t* file, size_t size, const std::string& name,
                 int64_t maximum_pixels = kMaximumPixels);
  /// 1 to 8, as the file's EXIF data say, after `open`; 1 where they say nothing.
  int orientation() const;
  /// Of an image that is reduced by `scale`, 1, 2, 4 or 8, to the size that is returned.
  ImageSize start(int64_t scale, int64_t channels);
  /// Gives the rows of a part of the image to `take`, some at a time, with the bytes from one to
  /// the next and their number. Blocks beside the part are not transformed, rows below it are read
  /// only where `to_the_end`. A file that ends before the last row that was read, or is damaged
  /// before it, throws; one that lacks its end marker alone is read, whatever stands in its place.
  void read(const Window& part, bool to_the_end,
            const std::function<void(const uint8_t*, size_t, int64_t)>& take);
  /// Before the next file, whatever came of this one.
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace preresnet
