// Sums of a norm over all ranks, added by a balanced binary tree.
#include <algorithm>
#include <vector>

#include "core/tree.h"
#include "interfaces/communicator.h"
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::AllReduceSums& op, const Call& call) {
  const int64_t length = element_count(*op.sums);
  const double* own = values(op.sums);  // G 2 C
  double* total = values(op.total);     // G 2 C
  std::vector<double> all(static_cast<size_t>(op.ranks * length));
  if (call.step.ranks == nullptr) {
    for (int64_t rank = 0; rank < op.ranks; ++rank) {
      std::copy_n(own, length, all.begin() + rank * length);
    }
  } else {
    call.step.ranks->all_gather(own, all.data(), static_cast<size_t>(length) * sizeof(double));
  }
  for (int64_t i = 0; i < length; ++i) {
    TreeSum<double> sum(op.ranks);
    for (int64_t rank = 0; rank < op.ranks; ++rank) {
      sum.add(all[static_cast<size_t>(rank * length + i)]);
    }
    total[i] = sum.total();
  }
}

}  // namespace preresnet::reference
