// Between our blocks of 16 channels and blocks of 8, which oneDNN's kernels for AVX2 want.
#pragma once
#include <cstdint>

namespace preresnet::cpu {

/// from [blocks][pixels][16] to [2 blocks][pixels][8]. Blocks of several images may stand behind
/// each other.
void split_blocks(const float* from, int64_t blocks, int64_t pixels, float* to);
/// And back.
void join_blocks(const float* from, int64_t blocks, int64_t pixels, float* to);

}  // namespace preresnet::cpu
