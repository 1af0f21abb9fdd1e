#include "program/finite.h"

namespace preresnet {

namespace {

/// A floating number is infinite or NaN when every bit of its exponent is set. Without a branch, so
/// that compilers make vectors of it.
template <class Bits>
bool no_full_exponent(const Tensor& tensor, Bits exponent) {
  const auto* bits = tensor.as<const Bits>();
  const size_t count = tensor.bytes / sizeof(Bits);
  Bits found = 0;
  for (size_t index = 0; index < count; ++index) {
    found |= static_cast<Bits>((bits[index] & exponent) == exponent);
  }
  return found == 0;
}

}  // namespace

bool all_finite(const Tensor& tensor) {
  switch (tensor.dtype) {
    case DType::f64:
      return no_full_exponent<uint64_t>(tensor, uint64_t{0x7ff} << 52);
    case DType::f32:
      return no_full_exponent<uint32_t>(tensor, uint32_t{0xff} << 23);
    case DType::bf16:
      return no_full_exponent<uint16_t>(tensor, 0x7f80);
    case DType::f16:
      return no_full_exponent<uint16_t>(tensor, 0x7c00);
    case DType::i32:
    case DType::u8:
      return true;
  }
  return true;
}

}  // namespace preresnet
