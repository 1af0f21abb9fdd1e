// What each operation demands of sizes and attributes beyond the symbols of its contract.
#pragma once
#include <string>

#include "ops/operations.h"

namespace preresnet {

/// "expected ..., got ..." for the first law that is broken; empty where all are kept. Types and
/// shapes fit the contract already.
std::string broken_law(const ops::AnyOperation&);

}  // namespace preresnet
