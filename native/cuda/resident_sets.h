// Sets of images that lie on the device as a whole: of a batch only indices go there.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "cuda/device.h"

namespace preresnet::cuda {

class ResidentSets {
 public:
  /// limit: bytes that all sets together may take.
  ResidentSets(Runtime&, uint64_t limit);

  /// Where a set lies; the first time it is copied there, and the host waits. Null where it would
  /// take more than the limit with those that are there, or more than may be allocated on the
  /// device. `id` is of these bytes and no others.
  const uint8_t* find(uint64_t id, const uint8_t* images, size_t bytes);

 private:
  void upload(std::byte* to, const uint8_t* images, size_t bytes);

  Runtime& runtime_;
  const uint64_t limit_;
  uint64_t taken_ = 0;
  std::map<uint64_t, std::unique_ptr<DeviceMemory>> sets_;
};

}  // namespace preresnet::cuda
