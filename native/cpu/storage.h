// Activations in memory: f32 or bf16. Arithmetic is f32 everywhere.
#pragma once
#include <cstddef>
#include <cstdint>

namespace preresnet::cpu {

struct Source {
  const void* data = nullptr;
  bool bf16 = false;
};
struct Destination {
  void* data = nullptr;
  bool bf16 = false;
};

inline size_t storage_bytes(int64_t elements, bool bf16) {
  return static_cast<size_t>(elements) * (bf16 ? 2 : 4);
}
inline Source advance(Source source, int64_t elements) {
  if (source.data == nullptr) return source;
  return {static_cast<const std::byte*>(source.data) + elements * (source.bf16 ? 2 : 4),
          source.bf16};
}
inline Destination advance(Destination target, int64_t elements) {
  if (target.data == nullptr) return target;
  return {static_cast<std::byte*>(target.data) + elements * (target.bf16 ? 2 : 4), target.bf16};
}

}  // namespace preresnet::cpu
