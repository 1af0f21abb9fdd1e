// Gradients and metrics of all ranks, added by a balanced binary tree.
#include <vector>

#include "core/tree.h"
#include "interfaces/communicator.h"
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

namespace {

void add_up(Communicator& ranks, double* row, int64_t length) {
  std::vector<double> all(static_cast<size_t>(ranks.ranks() * length));
  ranks.all_gather(row, all.data(), static_cast<size_t>(length) * sizeof(double));
  for (int64_t i = 0; i < length; ++i) {
    TreeSum<double> sum(ranks.ranks());
    for (int64_t rank = 0; rank < ranks.ranks(); ++rank) {
      sum.add(all[static_cast<size_t>(rank * length + i)]);
    }
    row[i] = sum.total();
  }
}

}  // namespace

void run(const ops::AllReduce& op, const Call& call) {
  for (size_t segment = 0; segment < op.offsets.size(); ++segment) {
    add_up(*call.step.ranks, values(op.gradients) + op.offsets[segment], op.lengths[segment]);
  }
  if (op.metrics != nullptr) add_up(*call.step.ranks, values(op.metrics), 4);
}

}  // namespace preresnet::reference
