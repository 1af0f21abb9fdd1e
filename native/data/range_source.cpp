#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/error.h"
#include "data/file_source.h"
#include "data/tar_member.h"

namespace preresnet {
namespace {

constexpr int64_t kMaximumBytes = int64_t{1} << 30;  // of one image

/// "2026-11-30 14:22:25.123 UTC".
std::string utc(double milliseconds) {
  const auto whole = static_cast<int64_t>(std::floor(milliseconds));
  const int64_t part = ((whole % 1000) + 1000) % 1000;
  const auto seconds = static_cast<time_t>((whole - part) / 1000);
  struct tm parts {};
  char text[64];
  if (::gmtime_r(&seconds, &parts) == nullptr) return "an unknown time";
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  const std::string digits = std::to_string(1000 + part).substr(1);
  return std::string(text, length) + "." + digits + " UTC";
}

class File {
 public:
  explicit File(std::string path)
      : path_(std::move(path)),
        // Opening a named pipe waits for somebody who writes, unless it is told not to.
        descriptor_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
    if (descriptor_ < 0) fail(std::strerror(errno));
    struct stat status {};
    const bool known = ::fstat(descriptor_, &status) == 0;
    const int reason = errno;
    if (!known || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      fail(known ? "expected a file, got a folder, pipe or device" : std::strerror(reason));
    }
    size_ = status.st_size;
    modified_ = static_cast<double>(status.st_mtim.tv_sec) * 1e3 +
                static_cast<double>(status.st_mtim.tv_nsec) / 1e6;
  }
  ~File() { ::close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int64_t size() const { return size_; }

  /// Where it was of this size and time when it was listed. `modified` 0: not known.
  void expect_unchanged(double bytes, double modified) const {
    // Both times are doubles of the same number, but may have been rounded otherwise.
    constexpr double kRounding = 0.001;
    const auto size = static_cast<double>(size_);
    if (size == bytes && (modified == 0 || std::abs(modified - modified_) < kRounding)) return;
    fail("the file has changed since it was listed: expected " + state_of(bytes, modified) +
         ", got " + state_of(size, modified_) + "; --rescan, in code rescan: true, lists it anew");
  }

  /// Asks the system to have these bytes ready; `length` 0: all from there on.
  void fetch(int64_t offset, int64_t length) const {
    ::posix_fadvise(descriptor_, offset, length, POSIX_FADV_WILLNEED);
  }

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
  static std::string state_of(double bytes, double modified) {
    std::string text = std::to_string(static_cast<int64_t>(bytes)) + " bytes";
    if (modified != 0) text += " of " + utc(modified);
    return text;
  }

  const std::string path_;
  const int descriptor_;
  int64_t size_ = 0;
  double modified_ = 0;  // in milliseconds
};

class RangeSource : public FileSource {
 public:
  RangeSource(FileRanges ranges, const SampleShape& shape, const DecodeOptions& preparation)
      : FileSource(shape, preparation), ranges_(std::move(ranges)) {}

  size_t count() const override { return ranges_.file.size(); }
  // Images differ in size, so they go in small portions.
  int64_t grain(int64_t share) const override { return std::clamp<int64_t>(share / 4, 1, share); }
  bool fetches() const override { return true; }
  void fetch(const std::vector<uint64_t>& samples) const override {
    for (const uint64_t sample : samples) {
      try {
        File(ranges_.files.at(static_cast<size_t>(ranges_.file[sample])))
            .fetch(ranges_.offset[sample], std::max<int64_t>(ranges_.length[sample], 0));
      } catch (const Error&) {
        // Whoever reads it says what is wrong.
      }
    }
  }

 protected:
  void read_file(uint64_t sample, Desk& desk) const override {
    const auto index = static_cast<size_t>(ranges_.file[sample]);
    const File file(ranges_.files.at(index));
    if (!ranges_.bytes.empty())
      file.expect_unchanged(ranges_.bytes[index], ranges_.modified[index]);
    const int64_t offset = ranges_.offset[sample];
    int64_t length = ranges_.length[sample];
    if (length < 0) length = std::max<int64_t>(file.size() - offset, 0);
    if (length > kMaximumBytes)
      file.fail("expected an image of at most 1 GiB, got " + std::to_string(length) + " bytes");
    desk.file.resize(static_cast<size_t>(length));
    file.read(offset, desk.file);
  }

  std::string name(uint64_t sample) const override {
    const std::string path = ranges_.files.at(static_cast<size_t>(ranges_.file[sample]));
    const int64_t offset = ranges_.offset[sample];
    if (offset == 0) return path;
    const std::string place = path + " at byte " + std::to_string(offset);
    const std::string member = tar_member(path, offset, ranges_.length[sample]);
    return member.empty() ? place : place + ": " + member;
  }

 private:
  const FileRanges ranges_;
};

void expect_entries(const char* name, const char* of, size_t expected, size_t got) {
  if (got == expected) return;
  throw Error("ERR_DATASET", std::string("loader: ") + name + ": expected as many as " + of + " (" +
                                 std::to_string(expected) + "), got " + std::to_string(got));
}

}  // namespace

std::unique_ptr<SampleSource> range_source(FileRanges ranges, const SampleShape& shape,
                                           const DecodeOptions& preparation) {
  const size_t samples = ranges.file.size();
  expect_entries("offset", "samples", samples, ranges.offset.size());
  expect_entries("length", "samples", samples, ranges.length.size());
  if (!ranges.bytes.empty())
    expect_entries("bytes", "files", ranges.files.size(), ranges.bytes.size());
  expect_entries("modified", "sizes of files", ranges.bytes.size(), ranges.modified.size());
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
