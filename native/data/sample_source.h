// Where the pixels of a sample come from. A new kind of dataset is a list of byte ranges, or a
// function of JavaScript that gives bytes; it needs no source of its own.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/decode.h"
#include "data/draw.h"
#include "data/path_list.h"
#include "interfaces/batch_source.h"

namespace preresnet {

class SampleRequest;
class SampleRequests;

/// What a worker keeps from image to image.
struct Desk {
  ImageDecoder decoder;
  std::vector<uint8_t> file;
  std::vector<std::shared_ptr<SampleRequest>> asked;  // of a source that asks, in order
};

/// Read from several threads at once, each with a desk of its own.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  virtual size_t count() const = 0;
  /// Samples that a worker takes at a time where its share of a batch is `share`: enough to be
  /// worth a lock, few enough to spread over workers.
  virtual int64_t grain(int64_t share) const = 0;
  /// The images, where they lie in memory as a whole.
  virtual SampleSet set() const { return {}; }
  /// ERR_IMAGE for a sample that is known to be none.
  virtual void check(uint64_t /*sample*/) const {}
  /// Whether it wants to know beforehand what a worker is going to read.
  virtual bool looks_ahead() const { return false; }
  /// What this worker is going to read, in this order; it may read fewer. Where looks_ahead().
  virtual void expect(const std::vector<uint64_t>&, Desk&) const {}
  /// What some worker is going to read, a batch from now: files are fetched into the page cache
  /// while earlier ones are decoded. A hint; nothing comes of one that cannot be followed.
  virtual void fetch(const std::vector<uint64_t>&) const {}
  /// Whether that does anything.
  virtual bool fetches() const { return false; }
  /// Pixels [height][width][channels] of `draw.sample`; seed and epoch are for random steps. Throws
  /// ERR_FILE or ERR_IMAGE, which name the file.
  virtual void read(const Draw& draw, Desk& desk, uint8_t* pixels) const = 0;
  /// Wakes every worker that waits in read(), which throws ERR_ABORTED from then on.
  virtual void close() {}
};

/// The size of a sample as the loader delivers it.
struct SampleShape {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;

  int64_t bytes() const { return height * width * channels; }
};

/// Images that somebody else owns, keeps alive and does not change: [count][Y][X][C]. `set_id`: of
/// this memory and no other; 0: batches are given by their pixels alone. `corrupt`: what was no
/// image when the memory was filled.
std::unique_ptr<SampleSource> memory_source(const uint8_t* images, size_t bytes, uint64_t set_id,
                                            size_t count, const SampleShape& shape,
                                            const std::vector<CorruptSample>& corrupt);

/// Image files, or parts of files such as tar shards.
struct FileRanges {
  PathList files;
  // One entry a sample.
  std::vector<int32_t> file;    // index in `files`
  std::vector<int64_t> offset;  // of the first byte
  std::vector<int64_t> length;  // -1: to the end of the file
  // One entry a file, or none: what each was when it was listed.
  std::vector<double> bytes;
  std::vector<double> modified;  // in milliseconds; 0: not known
};

/// `preparation`: of every image; height, width and channels are those of `shape`. Throws
/// ERR_DATASET for ranges that do not fit together.
std::unique_ptr<SampleSource> range_source(FileRanges ranges, const SampleShape& shape,
                                           const DecodeOptions& preparation);

/// Image files that somebody else gives when they are asked for.
struct AskedSamples {
  std::string name;            // of the dataset
  std::vector<int32_t> index;  // of each sample: what errors call it
  /// What stands before the bytes that come: the header of a PNM file where they are pixels.
  std::string prefix;
  /// Where each lies, by its entry in `index`: what errors call it instead. Empty: nowhere that has
  /// a name.
  PathList files{std::vector<std::string>()};
  std::vector<int32_t> file = {};
  std::vector<int64_t> offset = {};
};

/// Throws ERR_DATASET for addresses that do not fit together.
std::unique_ptr<SampleSource> asked_source(AskedSamples samples,
                                           std::shared_ptr<SampleRequests> requests,
                                           const SampleShape& shape,
                                           const DecodeOptions& preparation);

}  // namespace preresnet
