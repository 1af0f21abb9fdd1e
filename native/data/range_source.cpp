#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "data/file_source.h"

namespace preresnet {
namespace {

constexpr int64_t kMaximumBytes = int64_t{1} << 30;  // of one image

class File {
 public:
  explicit File(const std::string& path)
      : path_(path),
        // Opening a named pipe waits for somebody who writes, unless it is told not to.
        descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
    if (descriptor_ < 0) fail(std::strerror(errno));
    struct stat status {};
    const bool known = ::fstat(descriptor_, &status) == 0;
    const int reason = errno;
    if (!known || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      fail(known ? "expected a file, got a folder, pipe or device" : std::strerror(reason));
    }
    size_ = status.st_size;
  }
  ~File() { ::close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int64_t size() const { return size_; }

  void read(int64_t offset, std::vector<uint8_t>& contents) const {
    size_t done = 0;
    while (done < contents.size()) {
      const ssize_t count = ::pread(descriptor_, contents.data() + done, contents.size() - done,
                                    offset + static_cast<int64_t>(done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail(std::strerror(errno));
      if (count == 0) {
        fail("expected " + std::to_string(contents.size()) + " bytes" +
             (offset == 0 ? "" : " from byte " + std::to_string(offset) + " on") + ", got " +
             std::to_string(done));
      }
      done += static_cast<size_t>(count);
    }
  }

  [[noreturn]] void fail(const std::string& reason) const {
    throw Error("ERR_FILE", path_ + ": " + reason);
  }

 private:
  const std::string& path_;
  const int descriptor_;
  int64_t size_ = 0;
};

class RangeSource : public FileSource {
 public:
  RangeSource(FileRanges ranges, const SampleShape& shape, const DecodeOptions& preparation)
      : FileSource(shape, preparation), ranges_(std::move(ranges)) {}

  size_t count() const override { return ranges_.file.size(); }
  // Images differ in size, so they go in small portions.
  int64_t grain(int64_t share) const override { return std::clamp<int64_t>(share / 4, 1, share); }

 protected:
  void read_file(uint64_t sample, Desk& desk) const override {
    const File file(path(sample));
    const int64_t offset = ranges_.offset[sample];
    int64_t length = ranges_.length[sample];
    if (length < 0) length = std::max<int64_t>(file.size() - offset, 0);
    if (length > kMaximumBytes)
      file.fail("expected an image of at most 1 GiB, got " + std::to_string(length) + " bytes");
    desk.file.resize(static_cast<size_t>(length));
    file.read(offset, desk.file);
  }

  std::string name(uint64_t sample) const override {
    const int64_t offset = ranges_.offset[sample];
    const bool whole = ranges_.length[sample] < 0 && offset == 0;
    return whole ? path(sample) : path(sample) + " at byte " + std::to_string(offset);
  }

 private:
  const std::string& path(uint64_t sample) const { return ranges_.files[ranges_.file[sample]]; }

  const FileRanges ranges_;
};

void expect_entries(const char* name, size_t expected, size_t got) {
  if (got == expected) return;
  throw Error("ERR_DATASET", std::string("loader: ") + name + ": expected as many as samples (" +
                                 std::to_string(expected) + "), got " + std::to_string(got));
}

}  // namespace

std::unique_ptr<SampleSource> range_source(FileRanges ranges, const SampleShape& shape,
                                           const DecodeOptions& preparation) {
  const size_t samples = ranges.file.size();
  expect_entries("offset", samples, ranges.offset.size());
  expect_entries("length", samples, ranges.length.size());
  for (size_t i = 0; i < samples; ++i) {
    if (ranges.file[i] >= 0 && static_cast<size_t>(ranges.file[i]) < ranges.files.size() &&
        ranges.offset[i] >= 0 && ranges.length[i] >= -1)
      continue;
    throw Error("ERR_DATASET", "loader: sample " + std::to_string(i) +
                                   ": expected a range of one of " +
                                   std::to_string(ranges.files.size()) + " files, got file " +
                                   std::to_string(ranges.file[i]) + ", offset " +
                                   std::to_string(ranges.offset[i]) + ", length " +
                                   std::to_string(ranges.length[i]));
  }
  return std::make_unique<RangeSource>(std::move(ranges), shape, preparation);
}

}  // namespace preresnet
