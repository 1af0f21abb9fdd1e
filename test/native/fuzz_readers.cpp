// The native readers of files, for libFuzzer: scripts/verify/fuzz.mjs builds and runs it. The
// environment variable PRERESNET_READER says which one is tried. A reader may refuse its input with
// ERR_IMAGE, in one line that begins with the name it was given; anything else ends the process.
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "data/decode.h"
#include "data/exif.h"
#include "data/tar_member.h"

namespace preresnet {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr char kName[] = "sample";
/// A header that promises more is refused, so that no time goes into pixels.
constexpr int64_t kMostPixels = 1 << 18;

[[noreturn]] void wrong(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

void expect(bool holds, const char* what) {
  if (!holds) wrong(std::string("expected ") + what);
}

/// What is taken from the end of an input: the rest is the file.
class Choices {
 public:
  explicit Choices(Bytes& bytes) : bytes_(bytes) {}

  int64_t below(int64_t count) {
    if (bytes_.empty()) return 0;
    const int64_t value = bytes_.back() % count;
    bytes_.pop_back();
    return value;
  }
  bool flag() { return below(2) == 1; }

 private:
  Bytes& bytes_;
};

DecodeOptions options_of(Choices& choices) {
  DecodeOptions options;
  options.channels = choices.flag() ? 1 : 3;
  options.upright = choices.flag();
  options.scaled = choices.flag();
  options.exact = choices.below(8) == 1;
  options.keep_fitting = choices.flag();
  options.filter = choices.flag() ? Filter::bicubic : Filter::bilinear;
  options.crop = static_cast<CropKind>(choices.below(4));
  options.resize = choices.flag() ? 1 + choices.below(32) : 0;
  if (options.resize > 0 && choices.flag()) options.resize_to = options.resize + choices.below(16);
  options.height = choices.below(24);
  options.width = choices.below(24);
  if (options.crop == CropKind::area) {
    ++options.height;
    ++options.width;
  }
  if (choices.below(8) == 1) options.before = {1 + choices.below(16), 1 + choices.below(16)};
  if (choices.below(8) == 1) options.within = {1 + choices.below(24), 1 + choices.below(24)};
  options.maximum_pixels = kMostPixels;
  return options;
}

/// Readers refuse what does not begin as their format does; here every input does.
void begin_with(Bytes& file, std::string_view magic, size_t at = 0) {
  file.resize(std::max(file.size(), at + magic.size()));
  std::copy(magic.begin(), magic.end(), file.begin() + static_cast<int64_t>(at));
}

/// Mutations break the checksums of chunks, which would keep most of them from being read any
/// further.
void mend_checksums(Bytes& png) {
  constexpr size_t kSignature = 8;
  constexpr size_t kAround = 12;  // of a chunk: number of bytes, name, checksum
  const auto number = [&](size_t at) {
    return uint32_t{png[at]} << 24 | uint32_t{png[at + 1]} << 16 | uint32_t{png[at + 2]} << 8 |
           png[at + 3];
  };
  for (size_t at = kSignature; at + kAround <= png.size();) {
    const size_t length = number(at);
    if (length > png.size() - at - kAround) return;
    const auto sum =
        static_cast<uint32_t>(crc32(0, png.data() + at + 4, static_cast<uInt>(4 + length)));
    for (size_t i = 0; i < 4; ++i)
      png[at + 8 + length + i] = static_cast<uint8_t>(sum >> (24 - 8 * i));
    at += kAround + length;
  }
}

void check_refusal(const Error& error) {
  const std::string_view message = error.what();
  if (error.code() == "ERR_IMAGE" && message.rfind(kName, 0) == 0 &&
      std::none_of(message.begin(), message.end(), [](char c) { return c >= 0 && c < ' '; }))
    return;
  wrong(error.code() + ": " + error.what());
}

/// The header alone, then the file, on a decoder that has seen others.
void read_image(const Bytes& file, const DecodeOptions& options, uint64_t seed) {
  static ImageDecoder decoder;
  ImageSize stored;
  try {
    stored = image_size(file.data(), file.size(), options.maximum_pixels, kName);
    expect(stored.height > 0 && stored.width > 0 && stored.height * stored.width <= kMostPixels,
           "a size within the limit");
  } catch (const Error& error) {
    check_refusal(error);
  }
  try {
    const Pixels image =
        decoder.decode(file.data(), file.size(), options, kName, {seed, 1, seed % 16});
    expect(stored.height > 0, "no pixels of a file whose header is refused");
    expect(image.channels == options.channels, "as many channels as were asked for");
    expect(options.height == 0 || image.height == options.height, "the height of the crop");
    expect(options.width == 0 || image.width == options.width, "the width of the crop");
    const auto bytes = static_cast<size_t>(image.height * image.width * image.channels);
    expect(image.data.size() == bytes, "as many bytes as the size says");
  } catch (const Error& error) {
    check_refusal(error);
  }
}

void read_one(const std::string& reader, Bytes bytes) {
  Choices choices(bytes);
  const int64_t seed = choices.below(256);
  if (reader == "exif") {
    for (const int found : {jpeg_orientation(bytes.data(), bytes.size()),
                            webp_orientation(bytes.data(), bytes.size())})
      expect(found >= 1 && found <= 8, "an orientation from 1 to 8");
    return;
  }
  if (reader == "tar") {
    // A control character is shown as four.
    expect(tar_member(bytes.data(), bytes.size(), seed).size() <= 4 * bytes.size(),
           "a name that is in the file");
    return;
  }
  const DecodeOptions options = options_of(choices);
  if (reader == "jpeg") {
    begin_with(bytes, "\xFF\xD8\xFF");
  } else if (reader == "png") {
    const bool mends = choices.below(8) != 0;
    begin_with(bytes, "\x89PNG\r\n\x1A\n");
    if (mends) mend_checksums(bytes);
  } else if (reader == "webp") {
    begin_with(bytes, "RIFF");
    begin_with(bytes, "WEBP", 8);
  } else if (reader == "pnm") {
    begin_with(bytes, choices.flag() ? "P5" : "P6");
  } else {
    wrong("PRERESNET_READER: expected jpeg, png, webp, pnm, exif or tar, got " + reader);
  }
  read_image(bytes, options, static_cast<uint64_t>(seed));
}

}  // namespace
}  // namespace preresnet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const char* const given = std::getenv("PRERESNET_READER");
  preresnet::read_one(given == nullptr ? "" : given, {data, data + size});
  return 0;
}
