// Samples that are image files, wherever their bytes come from: each is decoded and prepared in
// the same way.
#pragma once
#include <memory>
#include <string>

#include "data/sample_source.h"

namespace preresnet {

class FileSource : public SampleSource {
 public:
  /// `preparation`: of every image; height, width and channels are those of `shape`. Throws
  /// ERR_OPTION where it cannot give images of that shape.
  FileSource(const SampleShape& shape, const DecodeOptions& preparation);

  void read(const Draw& draw, Desk& desk, uint8_t* pixels) const final;

 protected:
  /// Puts the file into desk.file.
  virtual void read_file(uint64_t sample, Desk& desk) const = 0;
  /// As errors call it. Asked for once an image is refused: it may take time.
  virtual std::string name(uint64_t sample) const = 0;

 private:
  DecodeOptions preparation_;
};

}  // namespace preresnet
