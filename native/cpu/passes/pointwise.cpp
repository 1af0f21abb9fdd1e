#include "cpu/passes/pointwise.h"

#include <cmath>

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/pointwise.cpp"
// foreach_target.h comes first.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>
// clang-format on

#include "cpu/passes/philox-inl.h"
#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

/// Pixels [begin, end) of the block.
struct Chunk {
  int64_t begin, end;
  int64_t pixels() const { return end - begin; }
};

HWY_INLINE float* register_at(const PointwisePass& pass, int64_t index) {
  return pass.registers + index * pass.chunk * 16;
}

HWY_INLINE void fill(float* out, int64_t pixels, const Sixteen& value) {
  for (int64_t i = 0; i < pixels * 16; i += 16) store(value, out + i);
}

void read_tensor(const PointwisePass& pass, const PointwiseInstruction& instruction, Chunk chunk,
                 float* out) {
  const PointwiseTensor& tensor = pass.tensors[instruction.a];
  if (pass.block >= tensor.blocks) return fill(out, chunk.pixels(), zero());
  const int64_t base = pass.block * tensor.height * tensor.width * 16;
  const int64_t access = instruction.b;
  if (access == 1) {
    for (int64_t pixel = chunk.begin; pixel < chunk.end; ++pixel, out += 16) {
      store(read<Kind::mixed>(tensor.source, base + pixel * 16), out);
    }
    return;
  }
  int64_t h = chunk.begin / pass.width, w = chunk.begin % pass.width;
  for (int64_t pixel = chunk.begin; pixel < chunk.end; ++pixel, out += 16) {
    const bool divides = access > 0 || (h % -access == 0 && w % -access == 0);
    const int64_t row = access > 0 ? h * access : h / -access;
    const int64_t column = access > 0 ? w * access : w / -access;
    store(divides ? read<Kind::mixed>(tensor.source, base + (row * tensor.width + column) * 16)
                  : zero(),
          out);
    if (++w == pass.width) {
      w = 0;
      ++h;
    }
  }
}

void read_vector(const PointwisePass& pass, const PointwiseInstruction& instruction, Chunk chunk,
                 float* out) {
  const PointwiseVector& vector = pass.vectors[instruction.a];
  const bool inside = pass.block < vector.blocks;
  fill(out, chunk.pixels(), inside ? load(vector.row + pass.block * 16) : zero());
}

HWY_INLINE Sixteen sigmoid(const Sixteen& x) {
  Sixteen r;
  const Float one = hn::Set(Floats(), 1.0f);
  for (int i = 0; i < kParts; ++i) {
    r.part[i] = hn::Div(one, hn::Add(one, hn::Exp(Floats(), hn::Neg(x.part[i]))));
  }
  return r;
}

/// 0 or 1 / (1 - rate) by one word of the stream an element, counted in N C H W order whatever the
/// layout in memory.
struct Dropout {
  PhiloxStream stream;
  uint32_t threshold;  // of a word's upper 24 bits: dropout_keeps() without the floating point
  float kept;
  int64_t first_plane;  // logical index of the block's first channel's first element
  int64_t plane;        // elements of a channel
  int64_t channels;     // of the block that exist

  HWY_INLINE Dropout(const PointwisePass& pass, const PointwiseDropout& dropout)
      : stream{pass.seed, pass.step, dropout.key},
        threshold(static_cast<uint32_t>(std::ceil(dropout.rate * 0x1p24))),
        kept(static_cast<float>(1 / (1 - dropout.rate))),
        first_plane((pass.image * pass.channels + pass.block * 16) * pass.height * pass.width),
        plane(pass.height * pass.width),
        channels(HWY_MIN(pass.channels - pass.block * 16, 16)) {}

  HWY_INLINE float factor(uint32_t word) const { return (word >> 8) >= threshold ? kept : 0.0f; }
};

/// Where planes are whole blocks of four words, four pixels of all channels share their blocks.
void dropout_by_fours(const Dropout& dropout, Chunk chunk, float* out) {
  HWY_ALIGN uint32_t low[16], high[16], words[4][16];
  for (int64_t pixel = chunk.begin; pixel < chunk.end; pixel += 4, out += 64) {
    for (int64_t lane = 0; lane < 16; ++lane) {
      const auto block =
          static_cast<uint64_t>(dropout.first_plane + lane * dropout.plane + pixel) / 4;
      low[lane] = static_cast<uint32_t>(block);
      high[lane] = static_cast<uint32_t>(block >> 32);
    }
    philox_blocks(dropout.stream, low, high, words);
    for (int64_t i = 0; i < 4; ++i) {
      for (int64_t lane = 0; lane < 16; ++lane) {
        out[i * 16 + lane] = dropout.factor(words[i][lane]);
      }
    }
  }
}

void dropout_by_ones(const Dropout& dropout, Chunk chunk, float* out) {
  for (int64_t lane = 0; lane < dropout.channels; ++lane) {
    PhiloxCounter words{};
    for (int64_t pixel = chunk.begin; pixel < chunk.end; ++pixel) {
      const auto element =
          static_cast<uint64_t>(dropout.first_plane + lane * dropout.plane + pixel);
      if (pixel == chunk.begin || element % 4 == 0) words = dropout.stream.block(element / 4);
      out[(pixel - chunk.begin) * 16 + lane] = dropout.factor(words[element % 4]);
    }
  }
}

void write_dropout(const PointwisePass& pass, const PointwiseInstruction& instruction, Chunk chunk,
                   float* out) {
  const Dropout dropout(pass, pass.dropouts[instruction.a]);
  if (instruction.b == 1) {
    const uint32_t word = dropout.stream.word(static_cast<uint64_t>(pass.image));
    return fill(out, chunk.pixels(), splat(dropout.factor(word)));
  }
  if (dropout.plane % 4 == 0) return dropout_by_fours(dropout, chunk, out);
  fill(out, chunk.pixels(), zero());  // lanes past the last channel
  dropout_by_ones(dropout, chunk, out);
}

template <class Function>
HWY_INLINE void binary(const PointwisePass& pass, const PointwiseInstruction& instruction,
                       int64_t pixels, float* out, Function function) {
  const float* a = register_at(pass, instruction.a);
  const float* b = register_at(pass, instruction.b);
  for (int64_t i = 0; i < pixels * 16; i += 16) store(function(load(a + i), load(b + i)), out + i);
}

struct Add {
  HWY_INLINE Sixteen operator()(const Sixteen& a, const Sixteen& b) const { return add(a, b); }
};
struct Multiply {
  HWY_INLINE Sixteen operator()(const Sixteen& a, const Sixteen& b) const { return multiply(a, b); }
};
struct Relu {
  HWY_INLINE Sixteen operator()(const Sixteen& a, const Sixteen&) const { return relu(a); }
};
struct Positive {
  HWY_INLINE Sixteen operator()(const Sixteen& a, const Sixteen&) const {
    return where_positive(a, splat(1.0f));
  }
};
struct Sigmoid {
  HWY_INLINE Sixteen operator()(const Sixteen& a, const Sixteen&) const { return sigmoid(a); }
};

void execute(const PointwisePass& pass, int64_t index, Chunk chunk) {
  const PointwiseInstruction& instruction = pass.instructions.data[index];
  float* out = register_at(pass, index);
  const int64_t pixels = chunk.pixels();
  switch (instruction.code) {
    case PointwiseCode::tensor:
      return read_tensor(pass, instruction, chunk, out);
    case PointwiseCode::vector:
      return read_vector(pass, instruction, chunk, out);
    case PointwiseCode::constant:
      return fill(out, pixels, splat(static_cast<float>(pass.constants[instruction.a])));
    case PointwiseCode::add:
      return binary(pass, instruction, pixels, out, Add());
    case PointwiseCode::multiply:
      return binary(pass, instruction, pixels, out, Multiply());
    case PointwiseCode::relu:
      return binary(pass, instruction, pixels, out, Relu());
    case PointwiseCode::positive:
      return binary(pass, instruction, pixels, out, Positive());
    case PointwiseCode::sigmoid:
      return binary(pass, instruction, pixels, out, Sigmoid());
    case PointwiseCode::dropout:
      return write_dropout(pass, instruction, chunk, out);
  }
}

/// Stores a register and leaves in it what is in memory now. Lanes past the last channel are stored
/// as zero.
void store_output(const PointwisePass& pass, const PointwiseOutput& output, Chunk chunk) {
  float* values = register_at(pass, output.value);
  HWY_ALIGN float inside[16];
  for (int64_t lane = 0; lane < 16; ++lane) {
    inside[lane] = pass.block * 16 + lane < pass.channels ? 1.0f : 0.0f;
  }
  const Sixteen mask = load(inside);
  const int64_t base = pass.block * pass.height * pass.width * 16;
  for (int64_t pixel = chunk.begin; pixel < chunk.end; ++pixel, values += 16) {
    const Sixteen value = where_positive(mask, load(values));
    store(write<Kind::mixed>(output.target, base + pixel * 16, value), values);
  }
}

struct TermStep {
  const float* value;
  const float* factor;  // null: none

  template <class Into>
  HWY_INLINE void operator()(int64_t pixel, Into& sums) const {
    const Sixteen a = load(value + pixel * 16);
    sums.add(factor == nullptr ? a : multiply(a, load(factor + pixel * 16)), a);
  }
};

void sum_term(const PointwisePass& pass, const PointwiseTerm& term, Chunk chunk) {
  const TermStep step{register_at(pass, term.value),
                      term.factor < 0 ? nullptr : register_at(pass, term.factor)};
  accumulate(chunk.pixels(), step, term.sums + pass.block * 16, nullptr);
}

void pointwise(const PointwisePass& pass) {
  const int64_t pixels = pass.height * pass.width;
  for (int64_t begin = 0; begin < pixels; begin += pass.chunk) {
    const Chunk chunk{begin, HWY_MIN(begin + pass.chunk, pixels)};
    for (int64_t i = 0; i < pass.instructions.count; ++i) {
      if (begin == 0 || pass.instructions.data[i].changing) execute(pass, i, chunk);
    }
    for (int64_t i = 0; i < pass.outputs.count; ++i)
      store_output(pass, pass.outputs.data[i], chunk);
    for (int64_t i = 0; i < pass.terms.count; ++i) sum_term(pass, pass.terms.data[i], chunk);
  }
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(pointwise);
void run(const PointwisePass& pass) { HWY_DYNAMIC_DISPATCH(pointwise)(pass); }
}  // namespace preresnet::cpu::passes
#endif
