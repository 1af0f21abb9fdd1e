// Antialiased bilinear resizing of 8-bit images, with the sums and roundings that Pillow documents
// by its results.
#pragma once
#include <cstdint>
#include <vector>

namespace preresnet {

struct Window {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;
};

/// One direction of an image. A scaled decoder rounds the number of pixels up: the last one stands
/// for what is left of the extent, and must not be stretched to a whole one.
struct Side {
  int64_t pixels = 0;
  double extent = 0;  // in pixels; at most their number, and less than one below it
};

/// Resizes an image and computes only a window of the result.
class Resizer {
 public:
  /// source [height][width][channels] to target_height x target_width, of which `window` goes to
  /// `target` [window.height][window.width][channels].
  void resize(const uint8_t* source, const Side& height, const Side& width, int64_t channels,
              int64_t target_height, int64_t target_width, const Window& window, uint8_t* target);

 private:
  /// For each output position of one direction: where its weights begin in the source, how many,
  /// and their values in 2^-22.
  struct Filter {
    std::vector<int64_t> begin;
    std::vector<int64_t> count;
    std::vector<int32_t> weights;  // [position][stride]
    int64_t stride = 0;
    void prepare(const Side& source, int64_t target, int64_t first, int64_t length);
  };

  Filter rows_;
  Filter columns_;
  std::vector<uint8_t> narrow_;  // rows that the window needs, resized horizontally
  std::vector<int32_t> sums_;    // of one output row
};

}  // namespace preresnet
