// The table of pieces that check_gradients and the optimizers walk over.
#pragma once
#include <vector>

#include "cuda/kernels/parameters.h"
#include "cuda/operations/device_table.h"

namespace preresnet::cuda {

/// Segments cut into pieces: none is longer than kPieceLength or lies across the border. Without
/// decays and rates these are 0.
std::vector<Piece> make_pieces(const std::vector<int64_t>& offsets,
                               const std::vector<int64_t>& lengths,
                               const std::vector<double>& decays, const std::vector<double>& rates,
                               int64_t border);

/// In device memory.
class PieceTable {
 public:
  PieceTable(Runtime& runtime, const std::vector<Piece>& pieces)
      : table_(runtime, pieces), count_(static_cast<int32_t>(pieces.size())) {}
  Pieces pieces() const { return {table_.data(), count_}; }

 private:
  DeviceTable<Piece> table_;
  int32_t count_;
};

}  // namespace preresnet::cuda
