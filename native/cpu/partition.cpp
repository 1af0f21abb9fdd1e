#include "cpu/partition.h"

#include <cstdlib>

namespace preresnet::cpu {

int64_t block_images(int64_t otherwise) {
  const char* wanted = std::getenv("PRERESNET_BLOCK_IMAGES");
  const int64_t images = wanted == nullptr ? 0 : std::atoll(wanted);
  return images > 0 ? images : otherwise;
}

}  // namespace preresnet::cpu
