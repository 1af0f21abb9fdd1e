#include "cuda/resident_sets.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "core/error.h"

namespace preresnet::cuda {

ResidentSets::ResidentSets(Runtime& runtime, uint64_t limit) : runtime_(runtime), limit_(limit) {}

const uint8_t* ResidentSets::find(uint64_t id, const uint8_t* images, size_t bytes) {
  const auto found = sets_.find(id);
  if (found != sets_.end()) {
    if (found->second->bytes() != bytes) {
      throw Error("ERR_DATASET", "expected a dataset that does not change, got one of " +
                                     std::to_string(bytes) + " bytes that had " +
                                     std::to_string(found->second->bytes()));
    }
    return reinterpret_cast<const uint8_t*>(found->second->data());
  }
  if (bytes > limit_ - taken_ || bytes > runtime_.plannable_bytes()) return nullptr;
  auto set = std::make_unique<DeviceMemory>(runtime_, bytes);
  const auto* at = reinterpret_cast<const uint8_t*>(set->data());
  upload(set->data(), images, bytes);
  sets_[id] = std::move(set);
  taken_ += bytes;
  return at;
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
