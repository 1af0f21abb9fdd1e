#include "data/pnm.h"

#include <cctype>

namespace preresnet {
namespace {

constexpr int64_t kLargestSide = 1 << 24;

struct Header {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  size_t bytes = 0;  // of the header: pixels begin behind it
};

bool is_space(uint8_t byte) { return std::isspace(byte) != 0; }

class HeaderReader {
 public:
  HeaderReader(const uint8_t* file, size_t size, const std::string& name)
      : file_(file), size_(size), name_(name) {}

  Header read() {
    Header header;
    header.channels = file_[1] == '6' ? 3 : 1;
    at_ = 2;
    header.width = number("width");
    header.height = number("height");
    if (number("maximum") != 255) fail_image(name_, "expected a PNM file of 8 bits (maximum 255)");
    // One space, whatever follows: a pixel may look like another one.
    if (at_ >= size_ || !is_space(file_[at_])) truncated();
    header.bytes = at_ + 1;
    if (header.width == 0 || header.height == 0) fail_image(name_, "the image has no pixels");
    return header;
  }

 private:
  [[noreturn]] void truncated() const {
    fail_image(name_, "the header of the PNM file is cut off");
  }

  int64_t number(const char* what) {
    while (at_ < size_ && (is_space(file_[at_]) || file_[at_] == '#')) {
      if (file_[at_] == '#')
        while (at_ < size_ && file_[at_] != '\n') ++at_;
      else
        ++at_;
    }
    if (at_ >= size_) truncated();
    int64_t value = 0;
    const size_t first = at_;
    for (; at_ < size_ && std::isdigit(file_[at_]) != 0; ++at_) {
      value = value * 10 + (file_[at_] - '0');
      if (value > kLargestSide) break;
    }
    if (at_ == first || value > kLargestSide) {
      fail_image(name_, std::string("expected a ") + what + " of at most " +
                            std::to_string(kLargestSide) + " in the header of the PNM file");
    }
    return value;
  }

  const uint8_t* const file_;
  const size_t size_;
  const std::string& name_;
  size_t at_ = 0;
};

Header read_header(const uint8_t* file, size_t size, const std::string& name,
                   int64_t maximum_pixels) {
  const Header header = HeaderReader(file, size, name).read();
  check_pixels(name, {header.height, header.width}, maximum_pixels);
  return header;
}

}  // namespace

bool is_pnm(const uint8_t* file, size_t size) {
  return size >= 3 && file[0] == 'P' && (file[1] == '5' || file[1] == '6') &&
         (is_space(file[2]) || file[2] == '#');
}

void decode_pnm(const uint8_t* file, size_t size, const DecodeOptions& options,
                const std::string& name, Pixels& pixels) {
  const Header header = read_header(file, size, name, options.maximum_pixels);
  const auto expected = static_cast<size_t>(header.height * header.width * header.channels);
  if (size - header.bytes < expected) {
    fail_image(name, "expected " + std::to_string(expected) + " bytes of pixels, got " +
                         std::to_string(size - header.bytes));
  }
  pixels.height = header.height;
  pixels.width = header.width;
  pixels.channels = header.channels;
  pixels.data.assign(file + header.bytes, file + header.bytes + expected);
  convert_channels(pixels, options.channels);
}

ImageSize pnm_size(const uint8_t* file, size_t size, const std::string& name,
                   int64_t maximum_pixels) {
  const Header header = read_header(file, size, name, maximum_pixels);
  return {header.height, header.width};
}

}  // namespace preresnet
