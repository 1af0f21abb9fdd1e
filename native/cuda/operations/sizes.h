// Sizes of tensors as kernels take them.
#pragma once
#include <limits>
#include <string>

#include "core/error.h"
#include "core/tensor.h"

namespace preresnet::cuda {

/// Of a plain matrix or vector, whose elements kernels count in 32 bits.
inline int size_of_plain(const std::string& where, const Tensor* tensor, size_t index) {
  if (element_count(*tensor) > std::numeric_limits<int32_t>::max()) {
    throw Error("ERR_UNSUPPORTED", where + ": expected less than 2^31 elements on CUDA, got " +
                                       std::to_string(element_count(*tensor)));
  }
  return static_cast<int>(tensor->dim(index));
}

/// Parts of a workspace begin on multiples of 256 bytes.
inline size_t aligned(size_t bytes) { return (bytes + 255) / 256 * 256; }

}  // namespace preresnet::cuda
