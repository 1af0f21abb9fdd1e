#include "core/tensor.h"

#include "core/error.h"

namespace preresnet {

namespace {

size_t multiply(size_t a, size_t b) {
  size_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) {
    throw Error("ERR_PROGRAM", "expected a tensor that fits into memory, got more than 2^64 bytes");
  }
  return product;
}

size_t extent(int64_t size) {
  if (size < 1) {
    throw Error("ERR_PROGRAM", "expected sizes of at least 1, got " + std::to_string(size));
  }
  return static_cast<size_t>(size);
}

}  // namespace

size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return 8;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::bf16:
    case DType::f16:
      return 2;
    case DType::u8:
      return 1;
  }
  throw Error("ERR_INTERNAL", "unknown data type");
}

const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return "f64";
    case DType::f32:
      return "f32";
    case DType::bf16:
      return "bf16";
    case DType::f16:
      return "f16";
    case DType::i32:
      return "i32";
    case DType::u8:
      return "u8";
  }
  return "unknown";
}

const char* name_of(Layout layout) { return layout == Layout::plain ? "plain" : "nchw16c"; }

int64_t element_count(const Tensor& tensor) {
  int64_t count = 1;
  for (const int64_t size : tensor.shape) count *= size;
  return count;
}

size_t storage_bytes(DType dtype, Layout layout, const std::vector<int64_t>& shape) {
  size_t bytes = size_of(dtype);
  if (layout == Layout::nchw16c && shape.size() != 4) {
    throw Error("ERR_PROGRAM",
                "expected four sizes for layout nchw16c, got " + std::to_string(shape.size()));
  }
  for (size_t index = 0; index < shape.size(); ++index) {
    size_t size = extent(shape[index]);
    if (layout == Layout::nchw16c && index == 1) size = multiply((size - 1) / 16 + 1, 16);
    bytes = multiply(bytes, size);
  }
  return bytes;
}

}  // namespace preresnet
