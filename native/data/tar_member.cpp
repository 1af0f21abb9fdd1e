#include "data/tar_member.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>

namespace preresnet {
namespace {

constexpr size_t kBlock = 512;

/// One of the fields of a header, to its first zero.
std::string_view field(const uint8_t* header, size_t at, size_t most) {
  const auto* text = reinterpret_cast<const char*>(header) + at;
  return {text, ::strnlen(text, most)};
}

/// With spaces around it.
std::optional<int64_t> octal(std::string_view digits) {
  while (!digits.empty() && digits.front() == ' ') digits.remove_prefix(1);
  while (!digits.empty() && digits.back() == ' ') digits.remove_suffix(1);
  if (digits.empty()) return std::nullopt;
  int64_t value = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '7') return std::nullopt;
    value = value * 8 + (digit - '0');
  }
  return value;
}

/// The checksum is taken with spaces in its own field.
bool is_header(const uint8_t* block) {
  constexpr size_t kSum = 148;
  constexpr size_t kSumBytes = 8;
  int64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) sum += i >= kSum && i < kSum + kSumBytes ? ' ' : block[i];
  return octal(field(block, kSum, kSumBytes)) == sum;
}

std::optional<int64_t> size_in(const uint8_t* header) { return octal(field(header, 124, 12)); }

std::string name_in(const uint8_t* header) {
  const std::string name(field(header, 0, 100));
  // GNU's own format has other things in the place of the prefix.
  const bool has_prefix = std::memcmp(header + 257, "ustar", 5) == 0 && header[263] == '0';
  const std::string_view prefix = has_prefix ? field(header, 345, 155) : std::string_view();
  return prefix.empty() ? name : std::string(prefix) + "/" + name;
}

/// Records are "LENGTH KEY=VALUE\n", where the length counts itself.
std::optional<std::string> path_in(std::string_view records) {
  while (!records.empty()) {
    size_t length = 0;
    size_t at = 0;
    for (; at < std::min<size_t>(records.size(), 6) && records[at] >= '0' && records[at] <= '9';
         ++at)
      length = length * 10 + static_cast<size_t>(records[at] - '0');
    if (at == 0 || length < at + 2 || length > records.size() || records[at] != ' ')
      return std::nullopt;
    constexpr std::string_view kPath = "path=";
    const std::string_view record = records.substr(at + 1, length - at - 2);
    if (record.substr(0, kPath.size()) == kPath) return std::string(record.substr(kPath.size()));
    records.remove_prefix(length);
  }
  return std::nullopt;
}

/// Of pax's or GNU's record that ends where `header` begins. How long it is says only its own
/// header, which is looked for block by block.
std::optional<std::string> long_name(const uint8_t* before, const uint8_t* header) {
  const auto blocks = static_cast<size_t>(header - before) / kBlock;
  for (size_t contents = 1; contents < blocks; ++contents) {
    const uint8_t* record = header - (contents + 1) * kBlock;
    const char kind = static_cast<char>(record[156]);
    if ((kind != 'x' && kind != 'L') || !is_header(record)) continue;
    const std::optional<int64_t> size = size_in(record);
    if (!size || (static_cast<size_t>(*size) + kBlock - 1) / kBlock != contents) continue;
    const auto* text = reinterpret_cast<const char*>(record) + kBlock;
    if (kind == 'x') return path_in({text, static_cast<size_t>(*size)});
    return std::string(text, ::strnlen(text, static_cast<size_t>(*size)));
  }
  return std::nullopt;
}

/// A name may hold whatever its writer likes, and an error is one line.
std::string one_line(const std::string& name) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string shown;
  for (const char character : name) {
    const auto byte = static_cast<uint8_t>(character);
    if (byte >= ' ' && byte != 0x7F) {
      shown += character;
    } else {
      shown += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 0xF]};
    }
  }
  return shown;
}

}  // namespace

std::string tar_member(const uint8_t* before, size_t size, int64_t length) {
  if (size < kBlock) return {};
  const uint8_t* header = before + size - kBlock;
  if (!is_header(header) || size_in(header) != length) return {};
  return one_line(long_name(before, header).value_or(name_in(header)));
}

std::string tar_member(const std::string& path, int64_t offset, int64_t length) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return {};
  std::array<uint8_t, kTarNameBytes> before;
  const auto wanted = static_cast<size_t>(std::min<int64_t>(offset, kTarNameBytes));
  const ssize_t got = ::pread(file, before.data(), wanted, offset - static_cast<int64_t>(wanted));
  ::close(file);
  if (got < 0 || static_cast<size_t>(got) != wanted) return {};
  return tar_member(before.data(), wanted, length);
}

}  // namespace preresnet
