// core/philox.h for sixteen counters at once. Compiled once per instruction set, after
// sixteen-inl.h.
#if defined(PRERESNET_CPU_PASSES_PHILOX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PRERESNET_CPU_PASSES_PHILOX_INL_H_
#undef PRERESNET_CPU_PASSES_PHILOX_INL_H_
#else
#define PRERESNET_CPU_PASSES_PHILOX_INL_H_
#endif

#include <hwy/highway.h>

#include "core/philox.h"
#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

using Word = hn::Vec<Words>;

/// The upper halves of the products of 32-bit numbers.
HWY_INLINE Word multiply_high(const Word& a, const Word& b) {
  const Words words;
#if HWY_TARGET == HWY_SCALAR
  const uint64_t product = uint64_t{hn::GetLane(a)} * hn::GetLane(b);
  return hn::Set(words, static_cast<uint32_t>(product >> 32));
#else
  const hn::RepartitionToWide<Words> wide;
  const auto even = hn::MulEven(a, b);
  const auto odd = hn::MulEven(hn::BitCast(words, hn::ShiftRight<32>(hn::BitCast(wide, a))),
                               hn::BitCast(words, hn::ShiftRight<32>(hn::BitCast(wide, b))));
  return hn::OddEven(hn::BitCast(words, odd), hn::BitCast(words, hn::ShiftRight<32>(even)));
#endif
}

/// words[w][lane] = word w of block low[lane] + 2^32 high[lane] of the stream.
HWY_INLINE void philox_blocks(const PhiloxStream& stream, const uint32_t* low, const uint32_t* high,
                              uint32_t (*words)[16]) {
  const Words d;
  const Word first_factor = hn::Set(d, 0xD2511F53u), second_factor = hn::Set(d, 0xCD9E8D57u);
  for (int i = 0; i < 16; i += kLanes) {
    PhiloxKey key = philox_key(stream.seed);
    Word c0 = hn::LoadU(d, low + i), c1 = hn::LoadU(d, high + i);
    Word c2 = hn::Set(d, static_cast<uint32_t>(stream.stream));
    Word c3 = hn::Set(d, static_cast<uint32_t>(stream.step));
    for (int round = 0; round < 10; ++round) {
      const Word high0 = multiply_high(c0, first_factor), low0 = hn::Mul(c0, first_factor);
      const Word high2 = multiply_high(c2, second_factor), low2 = hn::Mul(c2, second_factor);
      c0 = hn::Xor(hn::Xor(high2, c1), hn::Set(d, key[0]));
      c1 = low2;
      c2 = hn::Xor(hn::Xor(high0, c3), hn::Set(d, key[1]));
      c3 = low0;
      key[0] += 0x9E3779B9u;
      key[1] += 0xBB67AE85u;
    }
    hn::StoreU(c0, d, words[0] + i);
    hn::StoreU(c1, d, words[1] + i);
    hn::StoreU(c2, d, words[2] + i);
    hn::StoreU(c3, d, words[3] + i);
  }
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
