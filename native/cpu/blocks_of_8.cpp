#include "cpu/blocks_of_8.h"

#include <cstring>

namespace preresnet::cpu {
namespace {

constexpr size_t kHalf = 8 * sizeof(float);

}  // namespace

void split_blocks(const float* from, int64_t blocks, int64_t pixels, float* to) {
  for (int64_t block = 0; block < blocks; ++block, to += pixels * 16) {
    float* upper = to + pixels * 8;
    for (int64_t pixel = 0; pixel < pixels; ++pixel, from += 16) {
      std::memcpy(to + pixel * 8, from, kHalf);
      std::memcpy(upper + pixel * 8, from + 8, kHalf);
    }
  }
}

void join_blocks(const float* from, int64_t blocks, int64_t pixels, float* to) {
  for (int64_t block = 0; block < blocks; ++block, from += pixels * 16) {
    const float* upper = from + pixels * 8;
    for (int64_t pixel = 0; pixel < pixels; ++pixel, to += 16) {
      std::memcpy(to, from + pixel * 8, kHalf);
      std::memcpy(to + 8, upper + pixel * 8, kHalf);
    }
  }
}

}  // namespace preresnet::cpu
