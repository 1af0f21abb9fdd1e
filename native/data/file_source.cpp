#include "data/file_source.h"

#include <algorithm>
#include <utility>

#include "core/error.h"

namespace preresnet {
namespace {

class FileSource : public SampleSource {
 public:
  FileSource(std::unique_ptr<FileBytes> files, const DecodeOptions& preparation)
      : files_(std::move(files)), preparation_(preparation) {}

  size_t count() const override { return files_->count(); }
  int64_t grain(int64_t share) const override { return files_->grain(share); }
  bool looks_ahead() const override { return files_->looks_ahead(); }
  void expect(const std::vector<uint64_t>& samples, Desk& desk) const override {
    files_->expect(samples, desk);
  }
  void close() override { files_->close(); }

  void read(const Draw& draw, Desk& desk, uint8_t* pixels) const override {
    files_->read(draw.sample, desk);
    desk.decoder.decode_into(desk.file.data(), desk.file.size(), preparation_,
                             files_->name(draw.sample), draw, pixels);
  }

 private:
  const std::unique_ptr<FileBytes> files_;
  const DecodeOptions preparation_;
};

}  // namespace

std::unique_ptr<SampleSource> file_source(std::unique_ptr<FileBytes> files,
                                          const SampleShape& shape,
                                          const DecodeOptions& preparation) {
  if (shape.channels != 1 && shape.channels != 3) {
    throw Error("ERR_OPTION", "loader: channels: expected 1 or 3 for files, got " +
                                  std::to_string(shape.channels));
  }
  const int64_t larger = std::max(shape.height, shape.width);
  if (preparation.resize != 0 && preparation.resize < larger) {
    throw Error("ERR_OPTION", "loader: resize: expected at least the larger of height and width (" +
                                  std::to_string(larger) + "), got " +
                                  std::to_string(preparation.resize));
  }
  DecodeOptions complete = preparation;
  complete.channels = shape.channels;
  complete.height = shape.height;
  complete.width = shape.width;
  return std::make_unique<FileSource>(std::move(files), complete);
}

}  // namespace preresnet
