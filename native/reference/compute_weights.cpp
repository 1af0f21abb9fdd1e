// copies = the first weights, in the storage type; here that is double.
#include "reference/operations.h"
#include "reference/values.h"

namespace preresnet::reference {

void run(const ops::ComputeWeights& op, const Call&) {
  std::copy_n(values(op.weights), op.copies->dim(0), values(op.copies));
}

}  // namespace preresnet::reference
