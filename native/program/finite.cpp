#include "program/finite.h"

namespace preresnet {

namespace {

/// A floating number is infinite or NaN when every bit of its exponent is set. Without a branch, so
/// that compilers make vectors of it.
template <class Bits>
bool no_full_exponent(const Tensor& tensor, size_t begin, size_t count, Bits exponent) {
  const auto* bits = tensor.as<const Bits>() + begin;
  Bits found = 0;
  for (size_t index = 0; index < count; ++index) {
    found |= static_cast<Bits>((bits[index] & exponent) == exponent);
  }
  return found == 0;
}

bool finite(const Tensor& tensor, size_t begin, size_t count) {
  switch (tensor.dtype) {
    case DType::f64:
      return no_full_exponent<uint64_t>(tensor, begin, count, uint64_t{0x7ff} << 52);
    case DType::f32:
      return no_full_exponent<uint32_t>(tensor, begin, count, uint32_t{0xff} << 23);
    case DType::bf16:
      return no_full_exponent<uint16_t>(tensor, begin, count, 0x7f80);
    case DType::f16:
      return no_full_exponent<uint16_t>(tensor, begin, count, 0x7c00);
    case DType::i32:
    case DType::u8:
      return true;
  }
  return true;
}

}  // namespace

bool all_finite(const Tensor& tensor) {
  return finite(tensor, 0, tensor.bytes / size_of(tensor.dtype));
}

bool all_finite(const Tensor& row, int64_t offset, int64_t length) {
  return finite(row, static_cast<size_t>(offset), static_cast<size_t>(length));
}

}  // namespace preresnet
