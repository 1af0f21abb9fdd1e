// dx = mask(t(x)) . (each dy given to the first maximum of its window), with the sums of dx and of
// dx * x.
#include "cpu/pool_backward.h"

namespace preresnet::cpu {
namespace {

constexpr auto kToFirstMaximum = [](const passes::PoolGradientPass& pass) { passes::run(pass); };

}  // namespace

std::unique_ptr<Operation> prepare(const ops::MaxPoolBackward& op, Context& context) {
  return std::make_unique<PoolBackward<ops::MaxPoolBackward, kToFirstMaximum>>(op, context);
}

}  // namespace preresnet::cpu
