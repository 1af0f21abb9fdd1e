#include "cpu/parameter_pieces.h"

#include <cmath>

#include "cpu/passes/vectors.h"

namespace preresnet::cpu {

ParameterPieces::ParameterPieces(const std::vector<int64_t>& offsets,
                                 const std::vector<int64_t>& lengths, const Tensor& gradients,
                                 Context& context)
    : gradients_(gradients), pool_(context.pool) {
  constexpr int64_t kPiece = 1 << 14;
  for (size_t segment = 0; segment < offsets.size(); ++segment) {
    const int64_t end = offsets[segment] + lengths[segment];
    for (int64_t begin = offsets[segment]; begin < end; begin += kPiece) {
      pieces_.push_back({segment, begin, std::min(kPiece, end - begin)});
    }
  }
}

float ParameterPieces::clip_factor(double clip_norm, double* squares) const {
  if (clip_norm == 0) return 1;
  each([&](const ParameterPiece& piece, int64_t index) {
    squares[index] =
        passes::sum_of_squares(gradients_.as<const float>() + piece.begin, piece.count);
  });
  double sum = 0;
  for (int64_t i = 0; i < count(); ++i) sum += squares[i];
  const double norm = std::sqrt(sum);
  return norm > clip_norm ? static_cast<float>(clip_norm / norm) : 1.0f;
}

}  // namespace preresnet::cpu
