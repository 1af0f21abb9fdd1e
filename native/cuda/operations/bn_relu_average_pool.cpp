#include "cuda/kernels/average_pool.h"
#include "cuda/operations/pool.h"

namespace preresnet::cuda {

std::unique_ptr<DeviceOperation> prepare(const ops::BnReluAveragePool& op, const Context& context) {
  return std::make_unique<BnReluPooling<ops::BnReluAveragePool, bn_relu_average_pool>>(op, context);
}

}  // namespace preresnet::cuda
