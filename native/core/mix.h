// How `mixes` says what is mixed into an image: six integers, see operation `mix`.
#pragma once
#include <cstdint>

namespace preresnet {

/// An image's own share within the box is in units of 1 / this.
constexpr int64_t kWholeShare = int64_t{1} << 24;

struct MixOfImage {
  int64_t partner, share, top, left, height, width;

  MixOfImage(const int32_t* mixes, int64_t image)
      : partner(mixes[image * 6]),
        share(mixes[image * 6 + 1]),
        top(mixes[image * 6 + 2]),
        left(mixes[image * 6 + 3]),
        height(mixes[image * 6 + 4]),
        width(mixes[image * 6 + 5]) {}

  /// Of the image itself, within the box.
  double within() const { return static_cast<double>(share) / static_cast<double>(kWholeShare); }
  /// Of the label, in an image of so many pixels.
  double own(int64_t pixels) const {
    return 1 - (1 - within()) * (static_cast<double>(height * width) / static_cast<double>(pixels));
  }
};

}  // namespace preresnet
