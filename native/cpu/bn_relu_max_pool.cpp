// y = max over each window of t(x), with the sums of y.
#include "cpu/bn_relu_pool.h"

namespace preresnet::cpu {

std::unique_ptr<Operation> prepare(const ops::BnReluMaxPool& op, Context& context) {
  return std::make_unique<BnReluPooling<ops::BnReluMaxPool, passes::PoolPass>>(op, context);
}

}  // namespace preresnet::cpu
