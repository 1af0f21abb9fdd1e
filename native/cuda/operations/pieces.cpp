#include "cuda/operations/pieces.h"

#include <algorithm>

namespace preresnet::cuda {

std::vector<Piece> make_pieces(const std::vector<int64_t>& offsets,
                               const std::vector<int64_t>& lengths,
                               const std::vector<double>& decays, const std::vector<double>& rates,
                               int64_t border) {
  std::vector<Piece> pieces;
  for (size_t segment = 0; segment < offsets.size(); ++segment) {
    const int64_t end = offsets[segment] + lengths[segment];
    for (int64_t first = offsets[segment]; first < end;) {
      const int64_t side = first < border ? std::min(end, border) : end;
      const int64_t length = std::min<int64_t>(side - first, kPieceLength);
      pieces.push_back({first, static_cast<int32_t>(length),
                        decays.empty() ? 0.0f : static_cast<float>(decays[segment]),
                        rates.empty() ? 0.0f : static_cast<float>(rates[segment])});
      first += length;
    }
  }
  return pieces;
}

}  // namespace preresnet::cuda
