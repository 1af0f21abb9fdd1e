// A tensor as programs know it: a type, a logical shape, a layout and an address in an arena.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace preresnet {

enum class DType : uint8_t { f64, f32, bf16, f16, i32, u8 };

/// How the elements of a tensor lie in memory.
enum class Layout : uint8_t {
  plain,    // row-major in the order of the shape
  nchw16c,  // shape N C H W stored as [N][ceil(C / 16)][H][W][16]; lanes past C are zero, always
  nhwc8,    // shape N C H W stored as [N][H][W][ceil(C / 8) * 8]; other ranks: the last size is
            // rounded up to a multiple of 8. What is added is zero, always
  krsc8,    // shape K C R S stored as [ceil(K / 8) * 8][R][S][ceil(C / 8) * 8]; likewise
};

struct Tensor {
  std::string name;
  DType dtype = DType::f32;
  Layout layout = Layout::plain;
  std::vector<int64_t> shape;
  std::string arena;
  size_t offset = 0;     // bytes into the arena
  size_t bytes = 0;      // storage_bytes(*this), checked by the verifier
  void* data = nullptr;  // bound when the arenas have been allocated

  int64_t dim(size_t index) const { return shape.at(index); }
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
};

size_t size_of(DType);
const char* name_of(DType);
const char* name_of(Layout);
int64_t element_count(const Tensor&);
/// Bytes that shape, type and layout take. Arenas align every tensor to 64 bytes.
size_t storage_bytes(DType, Layout, const std::vector<int64_t>& shape);

}  // namespace preresnet
