#include "cpu/scratch.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#ifdef __linux__
#include <sys/mman.h>
#endif

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

void Scratch::Free::operator()(std::byte* memory) const { std::free(memory); }

void Scratch::allocate() {
  const size_t bytes = allocation_bytes();
  if (bytes == 0) return;
  const size_t alignment = bytes >= kHugePage ? kHugePage : kLine;
  const size_t rounded = round_up(bytes, kLine);
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, rounded) != 0) {
    throw Error("ERR_MEMORY", "expected " + std::to_string(rounded) +
                                  " bytes of scratch memory for the CPU executor, got none");
  }
  memory_.reset(static_cast<std::byte*>(memory));
#ifdef __linux__
  if (rounded >= kHugePage) madvise(memory, rounded, MADV_HUGEPAGE);  // a hint: may fail
#endif
  std::memset(memory, 0, rounded);
}

}  // namespace preresnet::cpu
