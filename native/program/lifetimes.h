// When each transient tensor of a program holds something.
#pragma once
#include <cstddef>
#include <vector>

#include "program/program.h"

namespace preresnet {

/// Operation indices, both inclusive: from the first write to the last use.
struct Lifetime {
  const Tensor* tensor;
  size_t first;
  size_t last;
};

/// Of the tensors of the transient arena that the program uses, ordered by first. Throws
/// ERR_PROGRAM for an operand that is read before it was written in this program.
std::vector<Lifetime> lifetimes(const Program&);

/// Of the gradients of parameters that the program writes, ordered by first. They live on to its
/// end.
std::vector<Lifetime> gradient_lifetimes(const Program&);

/// What the program leaves for whoever ran it: tensors of arena `outputs` that it writes.
std::vector<const Tensor*> results_of(const Program&);

}  // namespace preresnet
