// Whether everything in a tensor is a number.
#pragma once
#include <cstdint>

#include "core/tensor.h"

namespace preresnet {

/// True for integer types too. Looks at what is stored, lanes that pad a layout included.
bool all_finite(const Tensor&);

/// The same for a part of a row, in elements.
bool all_finite(const Tensor& row, int64_t offset, int64_t length);

}  // namespace preresnet
