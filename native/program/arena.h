// Memory of one arena: allocated once, aligned, zero.
#pragma once
#include <cstddef>

namespace preresnet {

/// Every arena begins on one.
inline constexpr size_t kPage = 4096;

class Arena {
 public:
  /// Zeros. ERR_MEMORY where the system refuses. Huge pages cause fewer misses of the address
  /// cache, but take longer to find and to clear.
  Arena(size_t bytes, bool huge_pages);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  void* data() const {
    return data_;
  }  // aligned to 4096 bytes; with huge pages to 2 MiB where it is larger than that
  size_t bytes() const { return bytes_; }

 private:
  void* mapping_ = nullptr;
  size_t mapped_ = 0;
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace preresnet
