// The law of the one operation that is a program itself.
#pragma once
#include "ops/operations.h"

namespace preresnet {

/// Throws Broken.
void check_pointwise(const ops::Pointwise&);

}  // namespace preresnet
