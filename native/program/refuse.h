#pragma once
#include <string>

#include "core/error.h"

namespace preresnet {

/// Of a program that may not run.
[[noreturn]] inline void refuse_program(const std::string& where, const std::string& message) {
  throw Error("ERR_PROGRAM", where + ": " + message);
}

}  // namespace preresnet
