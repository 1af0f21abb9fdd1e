// What a program must be before it may run. Whatever JavaScript hands over, nothing outside the
// arenas is read or written.
#pragma once
#include "program/program.h"

namespace preresnet {

/// Throws ERR_PROGRAM naming the operation or tensor, what was expected and what was found.
void verify(const ProgramSet&);

}  // namespace preresnet
