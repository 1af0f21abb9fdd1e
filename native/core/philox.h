// Philox4x32-10 (Salmon et al., 2011): a counter-based generator. A random number is a pure
// function of seed, step, stream and logical index, so that every executor draws the same one and
// the backward pass draws it again.
#pragma once
#include <array>
#include <cstdint>

namespace preresnet {

using PhiloxCounter = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

constexpr PhiloxKey philox_key(uint64_t seed) {
  return {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
}

/// The generator itself: ten rounds over a counter of 128 bits under a key of 64.
constexpr PhiloxCounter philox(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t second = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {
        static_cast<uint32_t>(second >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(second),
        static_cast<uint32_t>(first >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(first)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// The numbers of one stream (an operation's key) in one step. Stream and step count modulo 2^32.
struct PhiloxStream {
  uint64_t seed = 0;
  uint64_t step = 0;
  uint64_t stream = 0;

  /// Words 4 * block ... 4 * block + 3 of the stream.
  constexpr PhiloxCounter block(uint64_t block) const {
    return philox({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                   static_cast<uint32_t>(stream), static_cast<uint32_t>(step)},
                  philox_key(seed));
  }
  constexpr uint32_t word(uint64_t index) const { return block(index / 4)[index % 4]; }
};

/// Uniform in [0, 1), exact in float as well as in double.
inline float philox_uniform(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

/// Whether dropout of this rate keeps the element whose random word is given.
inline bool dropout_keeps(uint32_t word, double rate) {
  return static_cast<double>(philox_uniform(word)) >= rate;
}

}  // namespace preresnet
