#include "cuda/operations/pool.h"

namespace preresnet::cuda {

std::unique_ptr<DeviceOperation> prepare(const ops::BnReluMaxPool& op, const Context& context) {
  return std::make_unique<BnReluPooling<ops::BnReluMaxPool, bn_relu_max_pool>>(op, context);
}

}  // namespace preresnet::cuda
