// How a batch is shared out: where a backward pass follows, in granules, which the shape decides;
// in blocks of whole granules, for cache and threads; in at most sixteen slots of whole granules,
// in which weight gradients are summed. Blocks change no result, so they may follow the machine. In
// inference, in parts of images, which change no result either.
#pragma once
#include <algorithm>
#include <cstdint>

namespace preresnet::cpu {

struct Range {
  int64_t begin = 0, end = 0;
};

/// Units and blocks of filters in a task.
struct Parts {
  int64_t units = 1, filters = 1;
};

class Partition {
 public:
  Partition() = default;
  /// block: images wanted in a block; made a whole number of granules.
  Partition(int64_t images, int64_t granule, int64_t block)
      : images_(images),
        granule_(granule),
        block_(std::max<int64_t>(block / granule, 1) * granule) {}

  int64_t blocks(Range images) const { return (images.end - images.begin + block_ - 1) / block_; }
  int64_t block_images() const { return std::min(block_, images_); }
  Range all() const { return {0, images_}; }
  /// Whole granules with the first `images`.
  Range front(int64_t images) const {
    return {0, std::min((images + granule_ - 1) / granule_ * granule_, images_)};
  }
  /// Block `index` of a range that begins with a granule.
  Range block(Range images, int64_t index) const {
    const int64_t begin = images.begin + index * block_;
    return {begin, std::min(begin + block_, images.end)};
  }

  int64_t slots() const { return std::min<int64_t>(granules(), 16); }
  Range slot(int64_t index) const {
    const int64_t begin = index * granules() / slots() * granule_;
    const int64_t end = (index + 1) * granules() / slots() * granule_;
    return {begin, std::min(end, images_)};
  }

 private:
  int64_t granules() const { return (images_ + granule_ - 1) / granule_; }
  int64_t images_ = 0, granule_ = 1, block_ = 1;
};

/// Images in a block: PRERESNET_BLOCK_IMAGES where it is set (tests show that it changes no bit),
/// else `otherwise`.
int64_t block_images(int64_t otherwise);

}  // namespace preresnet::cpu
