// Up to eight neighboring elements of a row that may begin and end anywhere.
#pragma once
#include "cuda/kernels/parameters.h"
#include "cuda/kernels/vocabulary.h"

namespace preresnet::cuda {

constexpr unsigned kPieceThreads = 256;

/// Blocks for a table of pieces; each takes every n-th piece.
inline unsigned piece_blocks(int32_t pieces) {
  constexpr int32_t kMost = 1024;  // several for every multiprocessor there is
  return static_cast<unsigned>(pieces < 1 ? 1 : pieces > kMost ? kMost : pieces);
}

template <class T>
__device__ __forceinline__ void load_some(const T* from, int count, float (&to)[8]) {
  if (count == 8 && reinterpret_cast<uintptr_t>(from) % 16 == 0) return load8(from, to);
  for (int i = 0; i < 8; ++i) to[i] = i < count ? to_float(from[i]) : 0.0f;
}

template <class T>
__device__ __forceinline__ void store_some(T* to, int count, float (&from)[8]) {
  if (count == 8 && reinterpret_cast<uintptr_t>(to) % 16 == 0) return store8(to, from);
  for (int i = 0; i < count; ++i) to[i] = from_float<T>(from[i]);
}

/// `count` gradients from element `first` on; a piece lies on one side of the border.
template <class T>
__device__ __forceinline__ void load_gradients(const Gradients& gradients, int64_t first, int count,
                                               float (&to)[8]) {
  if (first < gradients.border) {
    load_some(static_cast<const T*>(gradients.weight_gradients) + first, count, to);
  } else {
    load_some(gradients.gradients + (first - gradients.border), count, to);
  }
}

}  // namespace preresnet::cuda
