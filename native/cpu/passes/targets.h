// Instruction sets that the passes are compiled for, beside the compiler's own: AVX2, AVX-512,
// AVX-512 with BF16 (Highway's AVX3_DL; instruction_sets.cpp takes processors without BF16 out),
// NEON. Others would only lengthen the build; vectors without a fixed length (SVE, RISC-V) cannot
// be members, so these processors use NEON or portable code.
#pragma once
#define HWY_WANT_AVX3_DL
#ifdef PRERESNET_FEWER_TARGETS
// With sanitizers a file takes minutes; AVX-512 without BF16 shows them nothing that the rest does
// not.
#define PRERESNET_NO_AVX3 HWY_AVX3
#else
#define PRERESNET_NO_AVX3 0
#endif
#define HWY_DISABLED_TARGETS                                                                    \
  (HWY_SSSE3 | HWY_SSE4 | PRERESNET_NO_AVX3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | \
   HWY_RVV)
