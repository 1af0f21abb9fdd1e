// The reference executor's operations: plain loops in double, to be read beside contracts.json.
// Never optimized: they are the judge.
#pragma once
#include <cstddef>

#include "interfaces/executor.h"

namespace preresnet::reference {

/// What an operation gets beside its operands.
struct Call {
  const Step& step;
  double* scratch;  // scratch_doubles() of them, contents undefined
};

// One file each, of the operation's name.
#define PRERESNET_RUN(Name) void run(const ops::Name&, const Call&);
PRERESNET_EACH_OPERATION(PRERESNET_RUN)
#undef PRERESNET_RUN

template <class Op>
size_t scratch_doubles(const Op&) {
  return 0;
}
size_t scratch_doubles(const ops::Conv&);
size_t scratch_doubles(const ops::ConvBackward&);
size_t scratch_doubles(const ops::ConvBackwardData&);
size_t scratch_doubles(const ops::ConvBackwardNorm&);
size_t scratch_doubles(const ops::ConvBackwardWeights&);
size_t scratch_doubles(const ops::Pointwise&);

}  // namespace preresnet::reference
