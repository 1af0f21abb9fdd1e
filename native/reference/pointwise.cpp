// A small program of registers, run for every element of an N C H W domain.
#include <cmath>

#include "core/error.h"
#include "core/philox.h"
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

namespace {

struct Position {
  int64_t n, c, h, w;
};

/// Element of an operand seen from `at` in the domain. access 1: the same position; s > 1: (s h, s
/// w); -s: (h / s, w / s) where both divide, else 0.
double read(const Tensor& tensor, Position at, int64_t access) {
  const int64_t C = tensor.dim(1);
  const int64_t H = tensor.dim(2);
  const int64_t W = tensor.dim(3);
  if (at.c >= C) return 0;
  if (access < 0) {
    if (at.h % -access != 0 || at.w % -access != 0) return 0;
    at.h /= -access;
    at.w /= -access;
  } else {
    at.h *= access;
    at.w *= access;
  }
  return values(&tensor)[((at.n * C + at.c) * H + at.h) * W + at.w];
}

/// Element of a vector (G, channels): 0 past its channels.
double read(const Tensor& vector, Position at, const ops::Pointwise& op) {
  if (at.c >= vector.dim(1)) return 0;
  const int64_t group = group_of(at.n, op.domain[0], vector.dim(0));
  return values(&vector)[group * vector.dim(1) + at.c];
}

double dropout(const ops::Pointwise& op, int64_t index, bool per_image, int64_t element,
               const Step& step) {
  const double rate = op.dropoutRates[index];
  const PhiloxStream stream{step.seed, step.index, static_cast<uint64_t>(op.dropoutKeys[index])};
  // Counted over all images of the step.
  const int64_t image = op.domain[1] * op.domain[2] * op.domain[3];
  const int64_t all = step.first_of_step(op.domain[0]) * image + element;
  const auto word = stream.word(static_cast<uint64_t>(per_image ? all / image : all));
  return dropout_keeps(word, rate) ? 1 / (1 - rate) : 0;
}

/// Runs the code for one element; registers[i] is what instruction i wrote.
void evaluate(const ops::Pointwise& op, Position at, int64_t element, const Step& step,
              double* registers) {
  for (size_t i = 0; i < op.code.size() / 4; ++i) {
    const int64_t a = op.code[i * 4 + 1];
    const int64_t b = op.code[i * 4 + 2];
    double& out = registers[i];
    switch (static_cast<ops::Opcode>(op.code[i * 4])) {
      case ops::Opcode::tensor:
        out = read(*op.tensors[a], at, b);
        break;
      case ops::Opcode::vector:
        out = read(*op.vectors[a], at, op);
        break;
      case ops::Opcode::constant:
        out = op.constants[a];
        break;
      case ops::Opcode::add:
        out = registers[a] + registers[b];
        break;
      case ops::Opcode::multiply:
        out = registers[a] * registers[b];
        break;
      case ops::Opcode::relu:
        out = relu(registers[a]);
        break;
      case ops::Opcode::positive:
        out = registers[a] > 0 ? 1 : 0;
        break;
      case ops::Opcode::sigmoid:
        out = 1 / (1 + std::exp(-registers[a]));
        break;
      case ops::Opcode::dropout:
        out = dropout(op, a, b == 1, element, step);
        break;
    }
  }
}

}  // namespace

size_t scratch_doubles(const ops::Pointwise& op) { return op.code.size() / 4; }

void run(const ops::Pointwise& op, const Call& call) {
  const int64_t N = op.domain[0];
  const int64_t C = op.domain[1];
  const int64_t H = op.domain[2];
  const int64_t W = op.domain[3];
  const auto terms = static_cast<int64_t>(op.sumTerms.size() / 2);
  double* registers = call.scratch;  // one an instruction
  double* sums = values(op.sums);    // G terms C, may be absent
  const int64_t G = op.sums == nullptr ? 1 : op.sums->dim(0);
  if (sums != nullptr) std::fill_n(sums, G * terms * C, 0.0);

  int64_t element = 0;  // ((n C + c) H + h) W + w
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t c = 0; c < C; ++c) {
      for (int64_t h = 0; h < H; ++h) {
        for (int64_t w = 0; w < W; ++w, ++element) {
          evaluate(op, {n, c, h, w}, element, call.step, registers);
          for (size_t i = 0; i < op.stores.size(); ++i) {
            values(op.outputs[i])[element] = registers[op.stores[i]];
          }
          for (int64_t term = 0; sums != nullptr && term < terms; ++term) {
            const int64_t factor = op.sumTerms[term * 2 + 1];
            sums[(group_of(n, N, G) * terms + term) * C + c] +=
                registers[op.sumTerms[term * 2]] * (factor < 0 ? 1 : registers[factor]);
          }
        }
      }
    }
  }
}

}  // namespace preresnet::reference
