// From a type known when a program is read to one known to the compiler.
#pragma once
#include "cuda/convolution.h"
#include "cuda/kernels/vocabulary.h"

namespace preresnet::cuda {

/// body(T()) with the element type that `type` names.
template <class Body>
void with_type(Type type, Body&& body) {
  switch (type) {
    case Type::f32:
      return body(float());
    case Type::bf16:
      return body(bf16());
    case Type::f16:
      return body(f16());
  }
}

}  // namespace preresnet::cuda
