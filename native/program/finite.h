// Whether everything in a tensor is a number.
#pragma once
#include "core/tensor.h"

namespace preresnet {

/// True for integer types too. Looks at what is stored, lanes that pad a layout included.
bool all_finite(const Tensor&);

}  // namespace preresnet
