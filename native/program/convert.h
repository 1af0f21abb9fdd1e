// Values of a tensor in logical order, whatever its layout and type.
#pragma once
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "core/tensor.h"

namespace preresnet {

/// Floating types are doubles, i32 and u8 themselves.
using Values = std::variant<std::vector<double>, std::vector<int32_t>, std::vector<uint8_t>>;

/// ERR_INTERNAL where what a layout adds is not zero although no value is NaN.
Values read_values(const Tensor&);
/// The first values of a tensor of floating type, as fp32: f64 is rounded. ERR_PARAMETER where it
/// has another type, or fewer values.
void read_floats(const Tensor&, std::span<float>);
/// ERR_PARAMETER where number or type of the values do not fit the tensor. What a layout
/// adds becomes zero.
void write_values(const Tensor&, const Values&);
/// Writes all values of a tensor of floating type; an f32 tensor in plain layout takes them
/// without a copy in doubles.
void write_floats(const Tensor&, std::span<const float>);

}  // namespace preresnet
