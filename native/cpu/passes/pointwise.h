// The register code of `pointwise`, for one block of 16 channels of one image.
#pragma once
#include <cstdint>

#include "cpu/storage.h"

namespace preresnet::cpu::passes {

/// Operations on registers of [pixels][16] values.
enum class PointwiseCode : uint8_t {
  tensor,
  vector,
  constant,
  add,
  multiply,
  relu,
  positive,
  sigmoid,
  dropout,
};

struct PointwiseInstruction {
  PointwiseCode code = PointwiseCode::constant;
  int64_t a = 0;         // a register, or an index in tensors, vectors, constants or dropouts
  int64_t b = 0;         // a register, a tensor's access, or 1: a dropout of whole images
  bool changing = true;  // false: the same for all pixels of a block, and never stored
};

struct PointwiseTensor {
  Source source = {};  // of the image
  int64_t blocks = 0, height = 0, width = 0;
};

struct PointwiseVector {
  const float* row = nullptr;  // of the image's group
  int64_t blocks = 0;
};

struct PointwiseDropout {
  double rate = 0;
  uint64_t key = 0;
};

struct PointwiseTerm {
  int64_t value = 0, factor = -1;  // registers; -1: the value alone
  double* sums = nullptr;          // of the image, per channel padded to blocks; added to
};

struct PointwiseOutput {
  int64_t value = 0;        // register
  Destination target = {};  // of the image
};

template <class T>
struct List {
  const T* data = nullptr;
  int64_t count = 0;
};

struct PointwisePass {
  List<PointwiseInstruction> instructions = {};
  const PointwiseTensor* tensors = nullptr;
  const PointwiseVector* vectors = nullptr;
  const double* constants = nullptr;
  const PointwiseDropout* dropouts = nullptr;
  List<PointwiseOutput> outputs = {};
  List<PointwiseTerm> terms = {};
  int64_t image = 0, block = 0, channels = 0, height = 0, width = 0;
  uint64_t seed = 0, step = 0;
  float* registers = nullptr;  // [instructions][chunk][16]
  int64_t chunk = 0;           // pixels: a multiple of 4, or all
};
void run(const PointwisePass& pass);

}  // namespace preresnet::cpu::passes
