// What laws are written with: each demand says what was expected and what was got.
#pragma once
#include <cstdint>
#include <string>
#include <type_traits>

#include "ops/operations.h"

namespace preresnet {

// Thrown to the one handler that catches it: laws read as a list of demands.
struct Broken {
  std::string message;
};

template <class Got>
void demand(bool kept, const std::string& expected, const Got& got) {
  if (kept) return;
  if constexpr (std::is_arithmetic_v<Got>) {
    throw Broken{"expected " + expected + ", got " + std::to_string(got)};
  } else {
    throw Broken{"expected " + expected + ", got " + std::string(got)};
  }
}

inline int64_t rounded_up(int64_t value, int64_t divisor) { return (value - 1) / divisor + 1; }

inline void equal(const std::string& what, int64_t expected, int64_t got) {
  demand(expected == got, what + " " + std::to_string(expected), got);
}

inline const char* presence(const Tensor* tensor) { return tensor == nullptr ? "none" : "one"; }

inline void together(const char* first, const Tensor* a, const char* second, const Tensor* b) {
  demand((a == nullptr) == (b == nullptr), std::string(first) + " and " + second + " together",
         "one of them");
}

/// `what` only where `condition` is there too.
inline void only_with(const char* what, bool present, const char* condition, bool satisfied) {
  demand(!present || satisfied, std::string(what) + " only with " + condition, "it without");
}

}  // namespace preresnet
