// dx = mask(t(x)) . (each dy shared out in equal parts over its window), with the sums of dx and of
// dx * x.
#include "cpu/pool_backward.h"

namespace preresnet::cpu {
namespace {

constexpr auto kInEqualParts = [](const passes::PoolGradientPass& pass) {
  passes::run(passes::AveragePoolGradientPass{
      .window = pass.window, .block = pass.block, .dy = pass.dy, .gradient = pass.gradient});
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::AveragePoolBackward& op, Context& context) {
  return std::make_unique<PoolBackward<ops::AveragePoolBackward, kInEqualParts>>(op, context);
}

}  // namespace preresnet::cpu
