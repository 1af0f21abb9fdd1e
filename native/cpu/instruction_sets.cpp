#include "cpu/instruction_sets.h"

#include <hwy/targets.h>

#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>

#include "core/error.h"
#include "cpu/onednn.h"

namespace preresnet::cpu {
namespace {

void limit() {
  const char* value = std::getenv("PRERESNET_INSTRUCTIONS");
  if (value == nullptr) return;
  if (std::string_view(value) != "avx2" || HWY_ARCH_X86 == 0) {
    throw Error("ERR_OPTION", std::string("PRERESNET_INSTRUCTIONS: expected ") +
                                  (HWY_ARCH_X86 == 0 ? "nothing on this processor" : "avx2") +
                                  ", got " + value);
  }
  // Highway numbers its targets of one architecture from the best on: all below are better.
  hwy::DisableTargets(HWY_AVX2 - 1);
  onednn::use_avx2_at_most();
}

}  // namespace

void limit_instruction_sets() {
  // A call that throws does not count, so that the next one throws as well.
  static std::once_flag once;
  std::call_once(once, limit);
}

}  // namespace preresnet::cpu
