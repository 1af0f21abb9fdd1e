// A small program of registers for every element of an N C H W domain: reads tensors (storage
// type), vectors (f32), stores registers to outputs (storage type) and sums them per channel (f32).
//
// Interpreted: a thread runs the program for eight channels of a pixel, all threads the same
// instruction. Slots lie in local memory, 32 bytes each, so that an instruction moves some 100
// bytes through the first-level cache while a tensor's eight channels are 16 or 32 bytes of device
// memory: with ten instructions and three tensors that is about twice the time that the tensors'
// bytes alone would take. A dropout costs eight Philox blocks of some 100 instructions. Networks of
// the main path have none of this; what matters there has a kernel of its own.
#include "core/philox.h"
#include "cuda/kernels/channel_pass.h"
#include "cuda/kernels/pointwise.h"
#include "cuda/kernels/with_type.h"
#include "ops/operations.h"

namespace preresnet::cuda {
namespace {

/// A pixel of the domain.
struct Pixel {
  unsigned n, h, w;
};

__device__ __forceinline__ void fill(float (&to)[8], float value) {
  PRERESNET_UNROLL
  for (int i = 0; i < 8; ++i) to[i] = value;
}

/// Eight channels of a tensor seen from a pixel. access 1: the same position; s > 1: (s h, s w);
/// -s: (h / s, w / s) where both divide, else 0. Channels past the tensor's are 0.
template <class T>
__device__ void read_tensor(const PointwiseTensor& tensor, int access, Pixel at, unsigned channel,
                            float (&to)[8]) {
  bool nothing = channel >= tensor.channels;
  if (access > 0) {
    at.h *= static_cast<unsigned>(access);
    at.w *= static_cast<unsigned>(access);
  } else {
    const unsigned s = static_cast<unsigned>(-access);
    nothing = nothing || at.h % s != 0 || at.w % s != 0;
    at.h /= s;
    at.w /= s;
  }
  if (nothing) return fill(to, 0);
  const size_t row = (static_cast<size_t>(at.n) * tensor.height + at.h) * tensor.width + at.w;
  load8(static_cast<const T*>(tensor.data) + row * tensor.channels + channel, to);
}

/// 0 or 1 / (1 - rate), by the image's index n or by the element's, ((n C + c) H + h) W + w.
__device__ void draw_dropout(const PointwiseProgram& op, const PointwiseDropout& dropout,
                             bool per_image, Pixel at, unsigned channel, float (&to)[8]) {
  const PhiloxStream stream{op.step->seed, op.step->step, dropout.key};
  if (per_image) return fill(to, stream.word(at.n) >> 8 < dropout.zeros ? 0.0f : dropout.factor);
  const uint64_t pixels = static_cast<uint64_t>(op.height) * op.width;
  uint64_t element = (static_cast<uint64_t>(at.n) * op.channels + channel) * pixels +
                     static_cast<uint64_t>(at.h) * op.width + at.w;
  for (int i = 0; i < 8; ++i, element += pixels) {
    to[i] = stream.word(element) >> 8 < dropout.zeros ? 0.0f : dropout.factor;
  }
}

template <class T, unsigned kSlots, unsigned kMostTerms>
struct PointwisePass {
  static constexpr int kTerms = kMostTerms;
  PointwiseProgram op;
  unsigned channels;  // padded, of the domain

  struct Coefficients {
    unsigned group;
  };
  __device__ Coefficients load(unsigned group, unsigned) const { return {group}; }

  __device__ void row(const Coefficients& own, unsigned row, unsigned channel,
                      float (&terms)[kMostTerms > 0 ? kMostTerms : 1][8]) const {
    float slots[kSlots][8];
    const Pixel pixel{row / op.width / op.height, row / op.width % op.height, row % op.width};
    for (unsigned i = 0; i < op.instruction_count; ++i) {
      run(op.instructions[i], own.group, pixel, channel, slots);
    }
    store(static_cast<size_t>(row) * channels + channel, channel, slots);
    if constexpr (kMostTerms > 0) {
      for (unsigned term = 0; term < op.term_count; ++term) {
        const float(&a)[8] = slots[op.terms[term].a];
        const bool alone = op.terms[term].b == kPointwiseNone;
        const float(&b)[8] = slots[alone ? op.terms[term].a : op.terms[term].b];
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) {
          if (channel + i < op.channels) terms[term][i] += alone ? a[i] : a[i] * b[i];
        }
      }
    }
  }

  __device__ void run(const PointwiseInstruction& instruction, unsigned group, Pixel pixel,
                      unsigned channel, float (&slots)[kSlots][8]) const {
    // A slot may be read and written by one instruction; element by element that is no harm.
    float(&to)[8] = slots[instruction.to];
    const unsigned a = instruction.a;
    const unsigned b = instruction.b;
    switch (static_cast<ops::Opcode>(instruction.opcode)) {
      case ops::Opcode::tensor:
        return read_tensor<T>(op.tensors[a], instruction.access, pixel, channel, to);
      case ops::Opcode::vector:
        return load_vector(op.vectors[a], group, channel, 0, to);
      case ops::Opcode::constant:
        return fill(to, op.constants[a]);
      case ops::Opcode::dropout:
        return draw_dropout(op, op.dropouts[a], instruction.access == 1, pixel, channel, to);
      case ops::Opcode::add:
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) to[i] = slots[a][i] + slots[b][i];
        return;
      case ops::Opcode::multiply:
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) to[i] = slots[a][i] * slots[b][i];
        return;
      case ops::Opcode::relu:
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) to[i] = relu(slots[a][i]);
        return;
      case ops::Opcode::positive:
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) to[i] = slots[a][i] > 0 ? 1.0f : 0.0f;
        return;
      case ops::Opcode::sigmoid:
        PRERESNET_UNROLL
        for (int i = 0; i < 8; ++i) to[i] = 1 / (1 + expf(-slots[a][i]));
        return;
    }
  }

  /// Rounds slots to what is stored. Padded channels become zero, whatever constants, sigmoids and
  /// wider tensors made of them.
  __device__ void store(size_t at, unsigned channel, float (&slots)[kSlots][8]) const {
    for (unsigned output = 0; output < op.output_count; ++output) {
      float(&values)[8] = slots[op.outputs[output].slot];
      PRERESNET_UNROLL
      for (int i = 0; i < 8; ++i) {
        if (channel + i >= op.channels) values[i] = 0;
      }
      store8(static_cast<T*>(op.outputs[output].data) + at, values);
    }
  }
};

template <class T, unsigned kSlots>
void launch_pointwise(Runtime& runtime, Stream stream, const ChannelLaunch& where,
                      const ChannelSums& sums, const PointwiseProgram& op) {
  const unsigned channels = where.channels.channels;
  if (op.term_count == 0) {
    launch_channels(runtime, stream, "pointwise", where, sums,
                    PointwisePass<T, kSlots, 0>{op, channels});
  } else if (op.term_count <= 2) {
    launch_channels(runtime, stream, "pointwise", where, sums,
                    PointwisePass<T, kSlots, 2>{op, channels});
  } else {
    launch_channels(runtime, stream, "pointwise", where, sums,
                    PointwisePass<T, kSlots, kPointwiseTerms>{op, channels});
  }
}

}  // namespace

void pointwise(Runtime& runtime, Stream stream, Type type, const ChannelLaunch& where,
               const ChannelSums& sums, const PointwiseProgram& op) {
  with_type(type, [&]<class T>(T) {
    if (op.slot_count <= 8) {
      launch_pointwise<T, 8>(runtime, stream, where, sums, op);
    } else {
      launch_pointwise<T, kPointwiseSlots>(runtime, stream, where, sums, op);
    }
  });
}

}  // namespace preresnet::cuda
