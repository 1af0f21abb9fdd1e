// Limits of options that reach native code. The tables of options have the same
// (test/options/limits.test.ts compares): what TypeScript lets through is never refused here, and
// what it refuses never gets further.
#pragma once

#include <cstdint>

namespace preresnet {

inline constexpr int64_t kLargestBatch = 1 << 20;
inline constexpr int64_t kLargestPad = 1024;
inline constexpr int64_t kLargestThreads = 1024;
inline constexpr int64_t kLargestWorkers = 256;

}  // namespace preresnet
