#include "data/exif.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace preresnet {
namespace {

/// Numbers of a TIFF structure, which says itself in which order their bytes are. Nothing outside
/// of it is read.
class Tiff {
 public:
  Tiff(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  /// The first two bytes say the order of the others.
  bool known_order() {
    if (size_ < 8 || data_[0] != data_[1] || (data_[0] != 'I' && data_[0] != 'M')) return false;
    little_ = data_[0] == 'I';
    return number(2, 2) == 42u;
  }

  std::optional<uint32_t> number(size_t at, size_t bytes) const {
    if (at > size_ || bytes > size_ - at) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; ++i)
      value = value << 8 | data_[at + (little_ ? bytes - 1 - i : i)];
    return value;
  }

 private:
  const uint8_t* data_;
  size_t size_;
  bool little_ = false;
};

int orientation_of(Tiff tiff) {
  constexpr uint32_t kOrientation = 0x0112;
  constexpr uint32_t kShort = 3;
  if (!tiff.known_order()) return 1;
  const size_t directory = tiff.number(4, 4).value_or(0);
  const uint32_t entries = tiff.number(directory, 2).value_or(0);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + size_t{12} * i;
    const std::optional<uint32_t> tag = tiff.number(entry, 2);
    if (!tag.has_value()) return 1;
    if (*tag != kOrientation) continue;
    const uint32_t value = tiff.number(entry + 8, 2).value_or(1);
    return tiff.number(entry + 2, 2) == kShort && value >= 1 && value <= 8 ? static_cast<int>(value)
                                                                           : 1;
  }
  return 1;
}

constexpr char kName[] = "Exif\0";  // and one more zero

bool has_name(const uint8_t* data, size_t size) {
  return size >= sizeof kName && std::memcmp(data, kName, sizeof kName) == 0;
}

uint32_t little_endian(const uint8_t* bytes) {
  return bytes[0] | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
}

}  // namespace

int jpeg_orientation(const uint8_t* file, size_t size) {
  constexpr uint8_t kScan = 0xDA;
  constexpr uint8_t kApplication1 = 0xE1;
  // Segments: FF, a marker, two bytes of length that count themselves.
  for (size_t at = 2; at + 4 <= size && file[at] == 0xFF && file[at + 1] != kScan;) {
    if (file[at + 1] == 0xFF) {
      ++at;  // a filling byte
      continue;
    }
    const size_t length = static_cast<size_t>(file[at + 2]) << 8 | file[at + 3];
    if (length < 2 || length > size - at - 2) return 1;
    const uint8_t* data = file + at + 4;
    if (file[at + 1] == kApplication1 && has_name(data, length - 2))
      return orientation_of({data + sizeof kName, length - 2 - sizeof kName});
    at += 2 + length;
  }
  return 1;
}

int webp_orientation(const uint8_t* file, size_t size) {
  constexpr size_t kHeader = 12;  // RIFF, the number of the bytes that follow, WEBP
  constexpr size_t kChunk = 8;    // of a chunk: its name, the number of its bytes
  constexpr size_t kExtended = 10;
  constexpr uint8_t kHasExif = 0x08;
  if (size < kHeader + kChunk + kExtended || std::memcmp(file + kHeader, "VP8X", 4) != 0 ||
      (file[kHeader + kChunk] & kHasExif) == 0)
    return 1;
  const size_t end = std::min(size, size_t{8} + little_endian(file + 4));
  for (size_t at = kHeader; at + kChunk <= end;) {
    const size_t length = little_endian(file + at + 4);
    if (length > end - at - kChunk) return 1;
    const uint8_t* data = file + at + kChunk;
    if (std::memcmp(file + at, "EXIF", 4) == 0) {
      // Some programs write the name that these data have in JPEG files too.
      const size_t name = has_name(data, length) ? sizeof kName : 0;
      return orientation_of({data + name, length - name});
    }
    at += kChunk + length + length % 2;
  }
  return 1;
}

void turn_upright(Pixels& pixels, int orientation, Pixels& scratch) {
  if (orientation == 1) return;
  // What EXIF says of the stored image: rows and columns exchanged, and from which end they count.
  const bool exchanged = orientation >= 5;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_below =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  scratch.height = exchanged ? pixels.width : pixels.height;
  scratch.width = exchanged ? pixels.height : pixels.width;
  scratch.channels = pixels.channels;
  scratch.data.resize(pixels.data.size());
  uint8_t* to = scratch.data.data();
  for (int64_t y = 0; y < scratch.height; ++y) {
    for (int64_t x = 0; x < scratch.width; ++x, to += pixels.channels) {
      int64_t row = exchanged ? x : y;
      int64_t column = exchanged ? y : x;
      if (from_below) row = pixels.height - 1 - row;
      if (from_right) column = pixels.width - 1 - column;
      std::memcpy(to, pixels.data.data() + (row * pixels.width + column) * pixels.channels,
                  pixels.channels);
    }
  }
  std::swap(pixels, scratch);
}

}  // namespace preresnet
