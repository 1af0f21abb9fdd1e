#pragma once
#include "cuda/convolution.h"
#include "cuda/kernels/channel_grid.h"
#include "cuda/step_values.h"

namespace preresnet::cuda {

// The whole program is a kernel parameter, so all of it has a size. What programs need is far less.
constexpr unsigned kPointwiseInstructions = 128;
constexpr unsigned kPointwiseTensors = 16;
constexpr unsigned kPointwiseVectors = 32;
constexpr unsigned kPointwiseOutputs = 8;
constexpr unsigned kPointwiseConstants = 32;
constexpr unsigned kPointwiseDropouts = 8;
constexpr unsigned kPointwiseSlots = 32;
/// Terms that one launch sums; more take more launches.
constexpr unsigned kPointwiseTerms = 4;
constexpr uint8_t kPointwiseNone = 255;

/// Registers have been assigned slots: as many as are alive at once.
struct PointwiseInstruction {
  uint8_t opcode;  // ops::Opcode
  uint8_t to;      // a slot
  uint8_t a, b;    // slots, or an index in tensors, vectors, constants or dropouts
  int32_t access;  // of a tensor; 1: a dropout of whole images
};

struct PointwiseTensor {
  const void* data;
  uint32_t channels;  // padded
  uint32_t height, width;
};

struct PointwiseOutput {
  void* data;
  uint8_t slot;
};

struct PointwiseDropout {
  uint64_t key;
  uint32_t zeros;  // of the 2^24 values of a random number, those that make a zero
  float factor;    // of the others
};

struct PointwiseProgram {
  PointwiseInstruction instructions[kPointwiseInstructions];
  PointwiseTensor tensors[kPointwiseTensors];
  ChannelVector vectors[kPointwiseVectors];
  PointwiseOutput outputs[kPointwiseOutputs];
  PointwiseDropout dropouts[kPointwiseDropouts];
  float constants[kPointwiseConstants];
  struct {
    uint8_t a, b;  // b: kPointwiseNone where a alone is summed
  } terms[kPointwiseTerms];
  uint32_t instruction_count, output_count, term_count, slot_count;
  uint32_t channels, height, width;  // of the domain; channels as they are
  const StepValues* step;
};
void pointwise(Runtime&, Stream, Type, const ChannelLaunch&, const ChannelSums&,
               const PointwiseProgram&);

}  // namespace preresnet::cuda
