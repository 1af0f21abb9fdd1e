// Samples that are image files, wherever their bytes come from: each is decoded and prepared in
// the same way.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/sample_source.h"

namespace preresnet {

/// The bytes of image files. Read from several threads at once, each with a desk of its own.
class FileBytes {
 public:
  virtual ~FileBytes() = default;
  virtual size_t count() const = 0;
  virtual int64_t grain(int64_t share) const = 0;
  virtual bool looks_ahead() const { return false; }
  virtual void expect(const std::vector<uint64_t>&, Desk&) const {}
  /// Puts the file into desk.file.
  virtual void read(uint64_t sample, Desk& desk) const = 0;
  /// As errors call it.
  virtual std::string name(uint64_t sample) const = 0;
  virtual void close() {}
};

/// `preparation`: of every image; height, width and channels are those of `shape`. Throws
/// ERR_OPTION where it cannot give images of that shape.
std::unique_ptr<SampleSource> file_source(std::unique_ptr<FileBytes> files,
                                          const SampleShape& shape,
                                          const DecodeOptions& preparation);

}  // namespace preresnet
