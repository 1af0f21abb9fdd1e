#include "program/convert.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/bf16.h"
#include "core/error.h"
#include "core/f16.h"

namespace preresnet {

namespace {

size_t padded(size_t size, size_t multiple) { return (size + multiple - 1) / multiple * multiple; }

template <class Visitor>
void each_element_nchw16c(const std::array<size_t, 4>& shape, Visitor&& visit) {
  const auto [n, c, h, w] = shape;
  const size_t pixels = h * w;
  size_t index = 0;
  for (size_t image = 0; image < n; ++image) {
    for (size_t channel = 0; channel < c; ++channel) {
      const size_t block = (image * padded(c, 16) + channel / 16 * 16) * pixels + channel % 16;
      for (size_t pixel = 0; pixel < pixels; ++pixel) visit(index++, block + pixel * 16);
    }
  }
}

/// Stored as [first][third][fourth][second], the second padded: NHWC, and KRSC too.
template <class Visitor>
void each_element_channels_last(const std::array<size_t, 4>& shape, Visitor&& visit) {
  const auto [n, c, h, w] = shape;
  const size_t pixels = h * w;
  size_t index = 0;
  for (size_t image = 0; image < n; ++image) {
    for (size_t channel = 0; channel < c; ++channel) {
      for (size_t pixel = 0; pixel < pixels; ++pixel) {
        visit(index++, (image * pixels + pixel) * padded(c, 8) + channel);
      }
    }
  }
}

/// visit(logical index, offset in memory), both in elements.
template <class Visitor>
void each_element(const Tensor& tensor, Visitor&& visit) {
  const auto count = static_cast<size_t>(element_count(tensor));
  if (tensor.layout == Layout::plain) {
    for (size_t index = 0; index < count; ++index) visit(index, index);
    return;
  }
  if (tensor.shape.size() != 4) {
    const auto row = static_cast<size_t>(tensor.shape.back());
    for (size_t index = 0; index < count; ++index) {
      visit(index, index / row * padded(row, 8) + index % row);
    }
    return;
  }
  std::array<size_t, 4> shape{};
  for (size_t axis = 0; axis < 4; ++axis) shape[axis] = static_cast<size_t>(tensor.dim(axis));
  if (tensor.layout == Layout::nchw16c) return each_element_nchw16c(shape, visit);
  each_element_channels_last(shape, visit);
}

/// What a layout adds is zero, always: whoever reads whole blocks of channels relies on it. Only a
/// NaN spreads there too, since 0 * NaN is one.
template <class Stored, class Value, class Convert>
void expect_zeros_between(const Tensor& tensor, const std::vector<Value>& values,
                          Convert&& convert) {
  if (std::any_of(values.begin(), values.end(), [](Value value) { return value != value; })) return;
  const auto* stored = tensor.as<const Stored>();
  size_t not_zero = 0;
  for (size_t offset = 0; offset < tensor.bytes / sizeof(Stored); ++offset) {
    not_zero += convert(stored[offset]) != 0;
  }
  each_element(tensor, [&](size_t, size_t offset) { not_zero -= convert(stored[offset]) != 0; });
  if (not_zero == 0) return;
  throw Error("ERR_INTERNAL", "tensor " + tensor.name + ": expected zeros where layout " +
                                  name_of(tensor.layout) + " pads it, got " +
                                  std::to_string(not_zero) + " other values");
}

template <class Stored, class Value, class Convert>
std::vector<Value> gather(const Tensor& tensor, Convert&& convert) {
  std::vector<Value> values(static_cast<size_t>(element_count(tensor)));
  const auto* stored = tensor.as<const Stored>();
  each_element(tensor,
               [&](size_t index, size_t offset) { values[index] = convert(stored[offset]); });
  if (tensor.layout != Layout::plain) expect_zeros_between<Stored>(tensor, values, convert);
  return values;
}

template <class Stored, class Container, class Convert>
void scatter(const Tensor& tensor, const Container& values, Convert&& convert) {
  if (tensor.layout != Layout::plain) std::memset(tensor.data, 0, tensor.bytes);
  auto* stored = tensor.as<Stored>();
  each_element(tensor,
               [&](size_t index, size_t offset) { stored[offset] = convert(values[index]); });
}

void expect_count(const Tensor& tensor, size_t count) {
  if (count == static_cast<size_t>(element_count(tensor))) return;
  throw Error("ERR_PARAMETER", "tensor " + tensor.name + ": expected " +
                                   std::to_string(element_count(tensor)) + " values, got " +
                                   std::to_string(count));
}

template <class Value>
const std::vector<Value>& expect(const Tensor& tensor, const Values& values, const char* type) {
  const auto* vector = std::get_if<std::vector<Value>>(&values);
  if (vector == nullptr) {
    throw Error("ERR_PARAMETER", "tensor " + tensor.name + ": expected " + type + " for type " +
                                     name_of(tensor.dtype) + ", got another type of values");
  }
  expect_count(tensor, vector->size());
  return *vector;
}

}  // namespace

Values read_values(const Tensor& tensor) {
  const auto same = [](auto value) { return value; };
  switch (tensor.dtype) {
    case DType::f64:
      return gather<double, double>(tensor, same);
    case DType::f32:
      return gather<float, double>(tensor, same);
    case DType::bf16:
      return gather<uint16_t, double>(tensor, from_bf16);
    case DType::f16:
      return gather<uint16_t, double>(tensor, from_f16);
    case DType::i32:
      return gather<int32_t, int32_t>(tensor, same);
    case DType::u8:
      return gather<uint8_t, uint8_t>(tensor, same);
  }
  throw Error("ERR_INTERNAL", "unknown data type");
}

void read_floats(const Tensor& tensor, std::span<float> target) {
  const bool floating = tensor.dtype != DType::i32 && tensor.dtype != DType::u8;
  if (!floating || target.size() > static_cast<size_t>(element_count(tensor))) {
    throw Error("ERR_PARAMETER", "tensor " + tensor.name + ": expected floating-point values, " +
                                     std::to_string(target.size()) + " or more, got " +
                                     std::to_string(element_count(tensor)) + " of type " +
                                     name_of(tensor.dtype));
  }
  if (tensor.dtype == DType::f32 && tensor.layout == Layout::plain) {
    std::copy_n(tensor.as<const float>(), target.size(), target.data());
    return;
  }
  const auto values = std::get<std::vector<double>>(read_values(tensor));
  for (size_t index = 0; index < target.size(); ++index) {
    target[index] = static_cast<float>(values[index]);
  }
}

void write_values(const Tensor& tensor, const Values& values) {
  constexpr const char* kFloats = "Float64Array or Float32Array";
  const auto same = [](auto value) { return value; };
  switch (tensor.dtype) {
    case DType::f64:
      return scatter<double>(tensor, expect<double>(tensor, values, kFloats), same);
    case DType::f32:
      return scatter<float>(tensor, expect<double>(tensor, values, kFloats),
                            [](double value) { return static_cast<float>(value); });
    case DType::bf16:
      return scatter<uint16_t>(tensor, expect<double>(tensor, values, kFloats),
                               [](double value) { return to_bf16(static_cast<float>(value)); });
    case DType::f16:
      return scatter<uint16_t>(tensor, expect<double>(tensor, values, kFloats),
                               [](double value) { return to_f16(static_cast<float>(value)); });
    case DType::i32:
      return scatter<int32_t>(tensor, expect<int32_t>(tensor, values, "Int32Array"), same);
    case DType::u8:
      return scatter<uint8_t>(tensor, expect<uint8_t>(tensor, values, "Uint8Array"), same);
  }
  throw Error("ERR_INTERNAL", "unknown data type");
}

void write_floats(const Tensor& tensor, std::span<const float> values) {
  if (tensor.dtype != DType::f32 || tensor.layout != Layout::plain) {
    return write_values(tensor, std::vector<double>(values.begin(), values.end()));
  }
  expect_count(tensor, values.size());
  std::copy_n(values.data(), values.size(), tensor.as<float>());
}

}  // namespace preresnet
