// Antialiased resizing of 8-bit images, to the bytes of Pillow: first the columns, then the rows,
// rounded to bytes after each. Rows are taken as they come from a decoder.
#pragma once
#include <cstdint>
#include <vector>

#include "data/crop_plan.h"
#include "data/pixels.h"
#include "data/resize_passes.h"

namespace preresnet {

/// One direction of what is resized, in pixels of an image that may have been reduced while it was
/// decoded: then it may begin and end within a pixel.
struct Side {
  int64_t origin = 0;  // the first pixel
  int64_t pixels = 0;
  double begin = 0;  // seen from the first pixel: 0 to below 1
  double extent = 0;
};

/// Resizes one image after the other and computes only a window of the result.
class Resizer {
 public:
  /// What `plan_crop` said, for an image that is reduced by `scale` to `image`. The result goes to
  /// `target` [window.height][window.width][channels].
  void begin(const CropPlan& plan, int64_t scale, const ImageSize& image, int64_t channels,
             Filter filter, uint8_t* target);
  /// The part of the image that is read.
  const Window& needed() const { return needed_; }
  /// The next rows of that part.
  void add(const uint8_t* rows, size_t pitch, int64_t count);
  /// After all of them.
  void finish();

 private:
  /// For each position of the window, where its weights begin, seen from the first pixel that the
  /// window needs, how many there are, and their values.
  struct Weights {
    std::vector<int64_t> begin;
    std::vector<int64_t> count;
    std::vector<int32_t> weights;  // [position][stride]
    std::vector<double> exact;
    int64_t stride = 0;
    bool copies = false;  // every position is a pixel as it is

    /// The first pixel that is needed, and how many are.
    Side prepare(const Side& source, int64_t target, int64_t first, int64_t length, Filter filter);
    Taps taps() const;
  };

  void narrow(const uint8_t* rows, size_t pitch, int64_t count);
  void mirror();

  Weights rows_;
  Weights columns_;
  Window needed_;
  int64_t channels_ = 0;
  int64_t done_ = 0;      // rows
  size_t row_bytes_ = 0;  // of the window
  bool mirrored_ = false;
  uint8_t* target_ = nullptr;
  Window window_;
  size_t pitch_ = 0;
  std::vector<uint8_t> narrow_;  // rows that the window needs, resized horizontally
  std::vector<uint8_t> scratch_;
};

}  // namespace preresnet
