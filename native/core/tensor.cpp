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

/// What a layout rounds size `index` of `rank` up to a multiple of.
size_t rounded_to(Layout layout, size_t rank, size_t index) {
  switch (layout) {
    case Layout::plain:
      return 1;
    case Layout::nchw16c:
      return index == 1 ? 16 : 1;
    case Layout::nhwc8:
      return index == (rank == 4 ? 1 : rank - 1) ? 8 : 1;
    case Layout::krsc8:
      return index < 2 ? 8 : 1;
  }
  throw Error("ERR_INTERNAL", "unknown layout");
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

const char* name_of(Layout layout) {
  switch (layout) {
    case Layout::plain:
      return "plain";
    case Layout::nchw16c:
      return "nchw16c";
    case Layout::nhwc8:
      return "nhwc8";
    case Layout::krsc8:
      return "krsc8";
  }
  return "unknown";
}

int64_t element_count(const Tensor& tensor) {
  int64_t count = 1;
  for (const int64_t size : tensor.shape) count *= size;
  return count;
}

size_t storage_bytes(DType dtype, Layout layout, const std::vector<int64_t>& shape) {
  size_t bytes = size_of(dtype);
  const size_t rank = shape.size();
  const bool any_rank = layout == Layout::plain || (layout == Layout::nhwc8 && rank >= 1);
  if (rank != 4 && !any_rank) {
    throw Error("ERR_PROGRAM", "expected four sizes for layout " + std::string(name_of(layout)) +
                                   ", got " + std::to_string(rank));
  }
  for (size_t index = 0; index < rank; ++index) {
    const size_t multiple = rounded_to(layout, rank, index);
    bytes = multiply(bytes, multiply((extent(shape[index]) - 1) / multiple + 1, multiple));
  }
  return bytes;
}

}  // namespace preresnet
