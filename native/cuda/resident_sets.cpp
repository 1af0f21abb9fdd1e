#include "cuda/resident_sets.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/error.h"

namespace preresnet::cuda {

ResidentSets::ResidentSets(Runtime& runtime, uint64_t limit) : runtime_(runtime), limit_(limit) {}

ResidentSets::~ResidentSets() {
  for (const auto& [id, at] : sets_) runtime_.free(at);
}

const uint8_t* ResidentSets::find(uint64_t id, const uint8_t* images, size_t bytes) {
  const auto found = sets_.find(id);
  if (found != sets_.end()) return reinterpret_cast<const uint8_t*>(found->second);
  if (bytes > limit_ - taken_) return nullptr;
  const size_t available = runtime_.available_bytes();
  if (bytes > available) {
    throw Error("ERR_MEMORY", "expected at most " + std::to_string(available) +
                                  " bytes (what is free on the device), got a dataset of " +
                                  std::to_string(bytes) +
                                  "; with cuda.residentLimit 0 it stays on the host");
  }
  auto* at = static_cast<std::byte*>(runtime_.allocate(bytes));
  sets_[id] = at;
  taken_ += bytes;
  upload(at, images, bytes);
  return reinterpret_cast<const uint8_t*>(at);
}

void ResidentSets::upload(std::byte* to, const uint8_t* images, size_t bytes) {
  constexpr size_t kPiece = size_t{4} << 20;
  const PinnedMemory bounce(runtime_, std::min(kPiece, bytes));
  for (size_t done = 0; done < bytes; done += kPiece) {
    const size_t part = std::min(kPiece, bytes - done);
    std::memcpy(bounce.data(), images + done, part);
    runtime_.copy_to_device(kCopies, to + done, bounce.data(), part);
    runtime_.synchronize(kCopies);
  }
}

}  // namespace preresnet::cuda
