// Where a session's thread takes its batches from. Implemented by the loader; knows no JavaScript.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace preresnet {

/// Images that lie in memory as a whole and do not change.
struct SampleSet {
  uint64_t id = 0;                  // of this memory and no other; 0: there is no set
  const uint8_t* images = nullptr;  // [count][Y][X][C]
  int64_t count = 0;
};

struct Batch {
  const uint8_t* images = nullptr;   // [N][Y][X][C]
  const int32_t* indices = nullptr;  // [N] of the samples, in the set where there is one; -1: zeros
  const int32_t* labels = nullptr;   // [N]; -1: padding, does not count
  const int32_t* crops =
      nullptr;  // [N][3] top, left, mirror in the padded image; null where the program takes none
  const int32_t* mixes = nullptr;  // [N][6] see operation `mix`; null where nothing is mixed
  int64_t count = 0;               // samples that count
  uint64_t ticket = 0;             // slot and generation, for release()
};

/// A sample that could not be decoded and was left out.
struct CorruptSample {
  uint64_t sample = 0;
  std::string reason;  // names the file
};

class BatchSource {
 public:
  virtual ~BatchSource() = default;
  /// Waits for batch `index` (counted from 0 over all epochs). `pixels`: whether images are wanted,
  /// or indices in the set serve. Returns false when there is none (end of an evaluation pass) or
  /// close() was called. Throws Error when a worker failed (ERR_IMAGE, ERR_FILE), naming the file.
  virtual bool acquire(uint64_t index, bool pixels, Batch* batch) = 0;
  virtual void release(uint64_t ticket) = 0;
  /// Wakes every waiter; acquire returns false from then on.
  virtual void close() = 0;
  virtual int64_t batch_size() const = 0;
  virtual int64_t image_bytes() const = 0;  // of one image
  virtual SampleSet set() const { return {}; }
  /// Of the batches that were handed out, each once, in the order of their numbers.
  virtual std::vector<CorruptSample> corrupt() const { return {}; }
  /// Keeps the images of a batch that is held where they are, also when the source has gone.
  virtual std::shared_ptr<void> memory(uint64_t /*ticket*/) const { return nullptr; }
};

}  // namespace preresnet
