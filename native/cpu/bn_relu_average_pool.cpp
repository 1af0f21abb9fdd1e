// y = mean over each window of t(x), zeros outside the image, with the sums of y.
#include "cpu/bn_relu_pool.h"

namespace preresnet::cpu {

std::unique_ptr<Operation> prepare(const ops::BnReluAveragePool& op, Context& context) {
  return std::make_unique<BnReluPooling<ops::BnReluAveragePool, passes::AveragePoolPass>>(op,
                                                                                          context);
}

}  // namespace preresnet::cpu
