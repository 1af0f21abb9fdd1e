#include "cpu/passes/vectors.h"

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/vectors.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

void add_rows(float* to, const float* from, int64_t count) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) store(add(load(to + i), load(from + i)), to + i);
  for (; i < count; ++i) to[i] += from[i];
}

double squares(const float* values, int64_t count) {
  constexpr int64_t kInFloat = 64 * 16;
  double lanes[16] = {};
  int64_t i = 0;
  while (i + 16 <= count) {
    const int64_t end = HWY_MIN(count - 15, i + kInFloat);
    Sixteen sum = zero();
    for (; i < end; i += 16) {
      const Sixteen v = load(values + i);
      sum = multiply_add(v, v, sum);
    }
    add_to(sum, lanes);
  }
  double total = 0;
  for (const double lane : lanes) total += lane;
  for (; i < count; ++i) total += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return total;
}

struct SgdStep {
  Sixteen clip, decay, momentum, rate;
  bool nesterov;

  HWY_INLINE void operator()(float* w, const float* g, float* v) const {
    const Sixteen weight = load(w);
    const Sixteen gradient = multiply_add(load(g), clip, multiply(decay, weight));
    const Sixteen velocity = multiply_add(load(v), momentum, gradient);
    const Sixteen direction = nesterov ? multiply_add(velocity, momentum, gradient) : velocity;
    store(velocity, v);
    store(subtract(weight, multiply(rate, direction)), w);
  }
};

void sgd(const SgdPass& pass) {
  const SgdStep step{splat(pass.clip), splat(pass.decay), splat(pass.momentum), splat(pass.rate),
                     pass.nesterov};
  int64_t i = 0;
  for (; i + 16 <= pass.count; i += 16)
    step(pass.weights + i, pass.gradients + i, pass.velocity + i);
  const int64_t rest = pass.count - i;
  if (rest == 0) return;
  HWY_ALIGN float w[16] = {}, g[16] = {}, v[16] = {};
  for (int64_t k = 0; k < rest; ++k) {
    w[k] = pass.weights[i + k];
    g[k] = pass.gradients[i + k];
    v[k] = pass.velocity[i + k];
  }
  step(w, g, v);
  for (int64_t k = 0; k < rest; ++k) {
    pass.weights[i + k] = w[k];
    pass.velocity[i + k] = v[k];
  }
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(add_rows);
HWY_EXPORT(squares);
HWY_EXPORT(sgd);
void add(float* to, const float* from, int64_t count) {
  HWY_DYNAMIC_DISPATCH(add_rows)(to, from, count);
}
double sum_of_squares(const float* values, int64_t count) {
  return HWY_DYNAMIC_DISPATCH(squares)(values, count);
}
void run(const SgdPass& pass) { HWY_DYNAMIC_DISPATCH(sgd)(pass); }
}  // namespace preresnet::cpu::passes
#endif
