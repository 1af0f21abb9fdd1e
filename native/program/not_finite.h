// Where the first value came from that is not a number.
#pragma once
#include <functional>
#include <string>

#include "program/program.h"

namespace preresnet {

/// Runs the operations before `until` again, one by one on the same inputs, and says of the first
/// that made such a value, or was given one, which it is. `finite` looks at a tensor, wherever it
/// is.
std::string first_not_finite(const Program&, size_t until,
                             const std::function<void(size_t operation)>& run,
                             const std::function<bool(const Tensor&)>& finite);

}  // namespace preresnet
