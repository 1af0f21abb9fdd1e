// Images of few channels, a plane each.
#pragma once
#include "cpu/passes/transform.h"

namespace preresnet::cpu {

/// The pass's one block of channels, of which the first `planes` are written, [planes][pixels].
void run_planes(const passes::TransformPass& pass, int64_t planes);

}  // namespace preresnet::cpu
