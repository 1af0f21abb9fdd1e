// Images of few channels, a plane each.
#pragma once
#include "cpu/passes/transform.h"

namespace preresnet::cpu {

/// Planes that a convolution reads its input in; 0: in blocks of 16 channels, which for three would
/// be five sixths of multiplications by zero. Winograd's algorithm reads blocks, and a gradient
/// with respect to the input is written in blocks.
int64_t planes_of(int64_t channels, bool winograd, bool input_gradient);
/// The pass as it is; or its one block of channels, of which the first `planes` are written,
/// [planes][pixels].
void run(const passes::TransformPass& pass, int64_t planes);

}  // namespace preresnet::cpu
