// Which types and layouts the tensors of a program have on each device.
#pragma once
#include <string>

#include "core/tensor.h"
#include "ops/operations.h"
#include "program/program.h"

namespace preresnet {

/// "expected ..., got ..." where there is no such pair; else empty.
std::string wrong_device(const ProgramSet&);

/// "expected ..., got ..." where the device knows no tensor of such a type and layout; else empty.
std::string wrong_format(const ProgramSet&, const Tensor&);

/// The same for a tensor as operand of an operation. Its type is of the contract's class.
std::string wrong_format(const ProgramSet&, const ops::OperandContract&, const Tensor&);

}  // namespace preresnet
