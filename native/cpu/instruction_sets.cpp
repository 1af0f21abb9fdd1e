#include "cpu/instruction_sets.h"

#include <hwy/targets.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/system.h"
#include "cpu/onednn.h"
#include "cpu/passes/bf16_products.h"

namespace preresnet::cpu {
namespace {

/// Highway numbers its targets of one architecture from the best on: all below are better.
constexpr int64_t better_than(int64_t target) { return target - 1; }

void limit() {
  const char* value = std::getenv("PRERESNET_INSTRUCTIONS");
  if (value != nullptr) {
    const std::string_view wanted = value;
    if ((wanted != "avx2" && wanted != "avx512") || HWY_ARCH_X86 == 0) {
      throw Error("ERR_OPTION",
                  std::string("PRERESNET_INSTRUCTIONS: expected ") +
                      (HWY_ARCH_X86 == 0 ? "nothing on this processor" : "avx2 or avx512") +
                      ", got " + value);
    }
    hwy::DisableTargets(better_than(wanted == "avx2" ? HWY_AVX2 : HWY_AVX3));
    if (wanted == "avx2") onednn::use_avx2_at_most();
    return;
  }
#if HWY_ARCH_X86
  // Code for AVX3_DL uses BF16, which processors of 2019 to 2021 do not have.
  if (!__builtin_cpu_supports("avx512bf16")) hwy::DisableTargets(better_than(HWY_AVX3));
#endif
}

}  // namespace

void limit_instruction_sets() {
  // A call that throws does not count, so that the next one throws as well.
  static std::once_flag once;
  std::call_once(once, limit);
}

bool multiplies_bf16() {
  static const bool has_amx = [] {
    const std::vector<std::string> sets = instruction_sets();
    return std::find(sets.begin(), sets.end(), "amx_bf16") != sets.end();
  }();
  return !has_amx && passes::has_bf16_products();
}

}  // namespace preresnet::cpu
