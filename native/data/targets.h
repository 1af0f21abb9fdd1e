// Instruction sets that the resizing is compiled for, beside the compiler's own: AVX2, AVX-512,
// NEON. Its arithmetic is of integers, so that all of them give the same bytes.
#pragma once
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
