#include "cpu/scratch.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>

#include "core/error.h"

namespace preresnet::cpu {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;

size_t round_up(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

SharedRange ScratchPlan::shared(size_t bytes) {
  const SharedRange range{shared_, bytes, false};
  shared_ += round_up(bytes, kLine);
  scratch_.shared_ = std::max(scratch_.shared_, shared_);
  return range;
}

ThreadRange ScratchPlan::thread(size_t bytes) {
  const ThreadRange range{thread_, bytes};
  // Ranges that lie a power of two apart would compete for the same cache sets.
  thread_ += round_up(bytes, kLine) + 5 * kLine;
  scratch_.thread_ = std::max(scratch_.thread_, thread_);
  return range;
}

SharedRange ScratchPlan::kept(size_t bytes) {
  const SharedRange range{scratch_.kept_, bytes, true};
  scratch_.kept_ += round_up(bytes, kLine);
  return range;
}

void Unmap::operator()(std::byte*) const { munmap(base, bytes); }

/// Fresh pages are zero and cost nothing before they are used: what only an evaluation keeps takes
/// no memory in a process that never evaluates.
void Scratch::allocate(bool huge_pages) {
  const size_t bytes = allocation_bytes();
  if (bytes == 0) return;
  const size_t mapped = round_up(bytes, kHugePage) + kHugePage;
  void* base = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    throw Error("ERR_MEMORY", "expected " + std::to_string(mapped) +
                                  " bytes of scratch memory for the CPU executor, got none");
  }
  const auto address = reinterpret_cast<uintptr_t>(base);
  const size_t begin = round_up(address, kHugePage) - address;
  memory_ = {static_cast<std::byte*>(base) + begin, Unmap{base, mapped}};
  if (huge_pages && bytes >= kHugePage) {
    madvise(memory_.get(), mapped - begin, MADV_HUGEPAGE);  // a hint: may fail
  }
}

}  // namespace preresnet::cpu
