// Gradients of parameters in the transient arena, over activations that are dead when they are
// written: what must hold then. Throws ERR_PROGRAM.
#pragma once
#include <vector>

#include "program/lifetimes.h"
#include "program/program.h"

namespace preresnet {

/// A host, and an address inside of the arena.
void check_gradients_at(const ProgramSet&);

/// A program that writes one gradient writes all, before the optimizer reads them as a row, and it
/// reads nothing else. `written`: gradient_lifetimes().
void check_gradients_written(const ProgramSet&, const Program&,
                             const std::vector<Lifetime>& written);

}  // namespace preresnet
