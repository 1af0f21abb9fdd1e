#include "program/arena.h"

#include <sys/mman.h>

#include <cstdint>
#include <string>

#include "core/error.h"

namespace preresnet {

namespace {
constexpr size_t kHugePage = size_t{2} << 20;
}  // namespace

Arena::Arena(size_t bytes, bool huge_pages) : bytes_(bytes) {
  const bool huge = huge_pages && bytes >= 2 * kHugePage;
  const size_t alignment = huge ? kHugePage : kPage;
  mapped_ = (bytes / alignment + 1) * alignment + (huge ? kHugePage : 0);
  mapping_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping_ == MAP_FAILED) {
    mapping_ = nullptr;
    throw Error("ERR_MEMORY", "expected " + std::to_string(bytes) +
                                  " bytes for an arena, got a refusal from the system");
  }
  const auto address = reinterpret_cast<uintptr_t>(mapping_);
  data_ = reinterpret_cast<void*>((address + alignment - 1) / alignment * alignment);
  // Fewer misses of the address cache; where the kernel does not do it nothing is lost.
  if (huge) madvise(data_, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
}

Arena::~Arena() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_);
}

}  // namespace preresnet
