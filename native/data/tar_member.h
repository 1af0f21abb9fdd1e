// What a file in a tar is called, found from where its contents begin: only errors ask for it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace preresnet {

/// Bytes before the contents that hold a name: a header, and the records of pax or GNU before it.
constexpr size_t kTarNameBytes = size_t{16} * 512;

/// The name of the file of `length` bytes that begins behind these bytes, with control characters
/// as escapes. Empty where no tar's header of a file of this length stands right before it.
std::string tar_member(const uint8_t* before, size_t size, int64_t length);

/// The same of the bytes from `offset` on of a file. Reads a few blocks; a file that cannot be read
/// has no names in it.
std::string tar_member(const std::string& path, int64_t offset, int64_t length);

}  // namespace preresnet
