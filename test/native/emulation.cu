// Kernels that are right and kernels that are wrong, for test/cuda/emulation.test.ts: each argument
// is the name of one; what came of it is printed as a line of JSON.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <vector>

#include "core/error.h"
#include "cuda/emulation/blocks.h"
#include "cuda/kernels/vocabulary.h"

namespace {

using preresnet::cuda::Dim3;
using preresnet::cuda::emulation::run_blocks;
using namespace preresnet::cuda;

constexpr int kThreads = 256;
constexpr int kBlocks = 5;
constexpr int kValues = 10000;

/// Sums `values`: warps by shuffles, the block by a tree in shared memory, the grid by the last
/// block.
__global__ void sum(const float* values, float* partial, unsigned* counter, float* total,
                    bool barrier) {
  PRERESNET_SHARED(float, sums, [kThreads]);
  PRERESNET_SHARED(bool, last, );
  float own = 0;
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < kValues; i += gridDim.x * blockDim.x)
    own += values[i];
  for (int lanes = 16; lanes > 0; lanes /= 2) own += __shfl_xor_sync(0xffffffffu, own, lanes);
  sums[threadIdx.x] = threadIdx.x % 32 == 0 ? own : 0;
  if (barrier) __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sums[0];
    __threadfence();
    last = atomicAdd(counter, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (!last || threadIdx.x != 0) return;
  *total = 0;
  for (unsigned i = 0; i < gridDim.x; ++i) *total += partial[i];
  *counter = 0;
}

float run_sum(bool barrier) {
  std::vector<float> values(kValues);
  for (int i = 0; i < kValues; ++i) values[static_cast<size_t>(i)] = static_cast<float>(i % 7);
  std::vector<float> partial(kBlocks);
  unsigned counter = 0;
  float total = 0;
  run_blocks({kBlocks}, {kThreads},
             [&] { sum(values.data(), partial.data(), &counter, &total, barrier); });
  return counter == 0 ? total : -1;
}

/// Each lane's value of the lane after the next, and the order in which blocks came.
float down() {
  float result = 0;
  run_blocks({1}, {8, 8}, [&] {
    const auto lane = static_cast<float>((threadIdx.y * 8 + threadIdx.x) % 32);
    const float two_on = __shfl_down_sync(0xffffffffu, lane, 2);
    if (two_on != (lane < 30 ? lane + 2 : lane)) result = 1;
  });
  return result;
}

float order() {
  float digits = 0;
  run_blocks({6}, {1}, [&] { digits = digits * 10 + static_cast<float>(blockIdx.x); });
  return digits;
}

float poisoned() {
  float result = 0;
  run_blocks({3}, {2}, [&] {
    PRERESNET_SHARED(float, array, [2]);
    if (!std::isnan(array[threadIdx.x])) result = 1;
    array[threadIdx.x] = 0;
  });
  return result;
}

float left_before_barrier() {
  run_blocks({1}, {64}, [] {
    if (threadIdx.x == 7) return;
    __syncthreads();
  });
  return 0;
}

float other_barrier() {
  run_blocks({1}, {64}, [] {
    if (threadIdx.x == 7) {
      __syncthreads();
    } else {
      __syncthreads();
    }
  });
  return 0;
}

float divergent_shuffle() {
  run_blocks({1}, {64}, [] {
    if (threadIdx.x != 7) __shfl_xor_sync(0xffffffffu, 1.0f, 1);
  });
  return 0;
}

float shuffle_in_part_of_a_warp() {
  run_blocks({1}, {40}, [] { __shfl_xor_sync(0xffffffffu, 1.0f, 1); });
  return 0;
}

float too_much_shared() {
  run_blocks({1}, {1}, [] {
    PRERESNET_SHARED(float, array, [12289]);
    array[0] = 0;
  });
  return 0;
}

float thrown() {
  run_blocks({2}, {64}, [] {
    const auto owned = std::make_unique<int>(0);  // freed when the others are abandoned
    if (threadIdx.x == 63) throw preresnet::Error("ERR_INTERNAL", "thrown inside");
    __syncthreads();
  });
  return 0;
}

float sanitized() {
#ifdef __SANITIZE_ADDRESS__
  return 1;
#else
  return 0;
#endif
}

/// Only AddressSanitizer sees it.
float past_shared() {
  float result = 0;
  run_blocks({1}, {1}, [&] {
    PRERESNET_SHARED(float, array, [4]);
    float* volatile end = array + 4;
    result = *end;
  });
  return std::isnan(result) ? 0 : 1;
}

/// Every bit pattern of the 16-bit types through float and back; and ties.
template <class T>
float conversions() {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = to_float(T{static_cast<uint16_t>(bits)});
    const T back = from_float<T>(value);
    if (std::isnan(value) ? !std::isnan(to_float(back)) : back.bits != bits) return 1;
    const float next = to_float(T{static_cast<uint16_t>(bits + 1)});
    if ((bits & 0x7fffu) == 0x7fffu || !std::isfinite(value) || !std::isfinite(next)) continue;
    const float middle = value / 2 + next / 2;  // exact
    const uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    if (from_float<T>(middle).bits != even) return 2;
    if (from_float<T>(std::nextafter(middle, value)).bits != bits) return 3;
    if (from_float<T>(std::nextafter(middle, next)).bits != bits + 1) return 4;
  }
  return 0;
}

float overflow() {
  const bool right = from_float<f16>(65519.99f).bits == 0x7bff &&
                     from_float<f16>(65520.0f).bits == 0x7c00 &&
                     from_float<f16>(-1e30f).bits == 0xfc00 &&
                     from_float<bf16>(3.4e38f).bits == 0x7f80 && from_float<f16>(1e-30f).bits == 0;
  return right ? 0 : 1;
}

struct Case {
  const char* name;
  float (*run)();
};
const Case kCases[] = {
    {"sum", [] { return run_sum(true); }},
    {"sum_without_barrier", [] { return run_sum(false); }},
    {"down", down},
    {"order", order},
    {"poisoned", poisoned},
    {"left_before_barrier", left_before_barrier},
    {"other_barrier", other_barrier},
    {"divergent_shuffle", divergent_shuffle},
    {"shuffle_in_part_of_a_warp", shuffle_in_part_of_a_warp},
    {"too_much_shared", too_much_shared},
    {"thrown", thrown},
    {"sanitized", sanitized},
    {"past_shared", past_shared},
    {"f16", conversions<f16>},
    {"bf16", conversions<bf16>},
    {"overflow", overflow},
};

}  // namespace

int main(int count, char** names) {
  if (count < 2) return std::fprintf(stderr, "expected a seed and names of cases\n"), 2;
  preresnet::cuda::emulation::seed_blocks(std::strtoull(names[1], nullptr, 10));
  for (int i = 2; i < count; ++i) {
    const Case* found = nullptr;
    for (const Case& one : kCases) {
      if (std::strcmp(one.name, names[i]) == 0) found = &one;
    }
    if (found == nullptr) return std::fprintf(stderr, "no case %s\n", names[i]), 2;
    try {
      const double result = static_cast<double>(found->run());
      if (std::isnan(result)) {
        std::printf("{\"name\":\"%s\",\"result\":null}\n", names[i]);
      } else {
        std::printf("{\"name\":\"%s\",\"result\":%.9g}\n", names[i], result);
      }
    } catch (const preresnet::Error& error) {
      std::printf("{\"name\":\"%s\",\"code\":\"%s\",\"message\":\"%s\"}\n", names[i],
                  error.code().c_str(), error.what());
    }
  }
}
