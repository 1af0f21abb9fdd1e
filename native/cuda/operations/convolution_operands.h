// What the four convolution operations share: sizes, choice, and one enqueueing a group of
// statistics, since scale and sums belong to a launch.
#pragma once
#include <cstddef>
#include <initializer_list>
#include <string>
#include <type_traits>

#include "cuda/operations/operands.h"
#include "cuda/operations/sizes.h"

namespace preresnet::cuda {

/// Weights K C R S in the storage type, stored [padded K][R][S][padded C].
void expect_weights(const std::string& where, const Tensor* weights, const Context&);

/// Throws ERR_UNSUPPORTED naming what a convolution of CUDA has no part for.
void refuse(const std::string& where, const char* what, bool present);

/// Groups of G C and G T C operands, which have the same G; 1 where there are none.
uint32_t statistics_groups(std::initializer_list<const Tensor*> grouped);

ConvolutionShape convolution_shape(const FeatureMap& x, const Tensor& weights, const FeatureMap& y,
                                   int64_t stride, int64_t padding, uint32_t groups);
ConvolutionChoice convolution_choice(int64_t tier, int64_t engine, const Context&);

/// Address of a group's part of an operand; null stays null.
template <class T>
T* part_of(T* operand, size_t bytes_a_group, uint32_t group) {
  using Byte = std::conditional_t<std::is_const_v<T>, const std::byte, std::byte>;
  if (operand == nullptr) return nullptr;
  return reinterpret_cast<T*>(reinterpret_cast<Byte*>(operand) + bytes_a_group * group);
}
inline const void* part_of(const void* operand, size_t bytes_a_group, uint32_t group) {
  return part_of(static_cast<const std::byte*>(operand), bytes_a_group, group);
}
inline void* part_of(void* operand, size_t bytes_a_group, uint32_t group) {
  return part_of(static_cast<std::byte*>(operand), bytes_a_group, group);
}

/// Bytes of a group's images, or rows, of an operand; 0 where there is none.
inline size_t group_bytes(const Tensor* tensor, uint32_t groups) {
  return tensor == nullptr ? 0 : tensor->bytes / groups;
}

}  // namespace preresnet::cuda
