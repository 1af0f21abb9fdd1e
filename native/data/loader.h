// Batches of images from memory or files, made by worker threads in a ring of slots.
//
// What a batch holds is a function of the options and its index alone: neither the number of
// workers nor the order of the calls changes a byte. See data/order.h for the shuffle and
// data/ring.h for who may write a slot when.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/batch_source.h"

namespace preresnet {

/// LoaderDescription of lib/native/types.ts.
struct LoaderOptions {
  enum class Mode : uint8_t {
    train,    // shuffled by (seed, epoch), the short last batch dropped, endless
    evaluate  // in order, the last batch padded with label -1 and zero pixels, one pass
  };
  enum class Kind : uint8_t { memory, files };

  Kind kind = Kind::memory;
  // memory: [labels.size()][height][width][channels], owned by somebody else and kept alive by
  // `owner`. Never written.
  const uint8_t* images = nullptr;
  size_t images_bytes = 0;
  uint64_t set_id = 0;  // ImageSet's; 0: batches are given by their pixels alone
  std::shared_ptr<void> owner;
  // files
  std::vector<std::string> paths;
  // Shorter side after resizing, then the centre of height x width; 0: every image is stored in
  // height x width.
  int64_t resize = 0;

  std::vector<int32_t> labels;
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 3;  // 1 or 3 for files
  int64_t batch = 0;
  Mode mode = Mode::train;
  uint64_t seed = 0;
  int64_t pad = 0;
  bool flip = false;
  int workers = 1;  // >= 1
  int slots = 2;    // >= 2: one to read, one to fill
};

/// Starts the workers. The source may be used from any thread, and by several; destroying the last
/// pointer joins the workers. Any batch index may be acquired at any time; consecutive ones are
/// made ahead. A batch with an image that cannot be decoded throws ERR_IMAGE from acquire, the
/// others are unharmed. Every acquired batch must be released; `slots` may be held at once. Throws
/// ERR_OPTION, and ERR_DATASET when there are no samples, or fewer than a batch in training.
std::shared_ptr<BatchSource> make_loader(LoaderOptions);

}  // namespace preresnet
