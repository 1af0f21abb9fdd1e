// How a batch is shared out: where a backward pass follows, in granules, which the shape decides;
// in blocks of whole granules, for cache and threads; in at most sixteen slots of whole granules,
// in which weight gradients are summed. Blocks change no result, so they may follow the machine.
// All of these begin anew in each group of images, which is computed as a batch of its own would
// be. In inference, in parts of images, which change no result either.
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
  /// images: of a group. block: images wanted in a block; made a whole number of granules.
  Partition(int64_t images, int64_t granule, int64_t block)
      : images_(images),
        granule_(granule),
        block_(std::max<int64_t>(block / granule, 1) * granule) {}

  int64_t blocks(Range images) const { return (images.end - images.begin + block_ - 1) / block_; }
  int64_t block_images() const { return std::min(block_, images_); }
  Range group(int64_t index) const { return {index * images_, (index + 1) * images_}; }
  /// Block `index` of a range that begins with a granule.
  Range block(Range images, int64_t index) const {
    const int64_t begin = images.begin + index * block_;
    return {begin, std::min(begin + block_, images.end)};
  }

  /// Blocks with the first `wanted` images of a batch of any number of groups.
  int64_t blocks_of_batch(int64_t wanted) const {
    return wanted / images_ * blocks(group(0)) + blocks(front(0, wanted % images_));
  }
  /// Block `index` of those: of the last group whole granules, and no more than are wanted.
  Range block_of_batch(int64_t index, int64_t wanted) const {
    const int64_t of = index / blocks(group(0));
    return block(front(of, wanted - of * images_), index % blocks(group(0)));
  }

  int64_t slots() const { return std::min<int64_t>(granules(), 16); }
  /// Slot `index` of a group.
  Range slot(int64_t group, int64_t index) const {
    const int64_t first = group * images_;
    const int64_t begin = index * granules() / slots() * granule_;
    const int64_t end = (index + 1) * granules() / slots() * granule_;
    return {first + begin, first + std::min(end, images_)};
  }

 private:
  /// Whole granules with the first `images` of a group.
  Range front(int64_t group, int64_t images) const {
    const int64_t first = group * images_;
    return {first, first + std::min((images + granule_ - 1) / granule_ * granule_, images_)};
  }
  int64_t granules() const { return (images_ + granule_ - 1) / granule_; }
  int64_t images_ = 0, granule_ = 1, block_ = 1;
};

/// Images in a block: PRERESNET_BLOCK_IMAGES where it is set (tests show that it changes no bit),
/// else `otherwise`.
int64_t block_images(int64_t otherwise);

}  // namespace preresnet::cpu
