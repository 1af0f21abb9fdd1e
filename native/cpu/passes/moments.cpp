#include "cpu/passes/moments.h"

#include "cpu/passes/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/passes/moments.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "cpu/passes/sixteen-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preresnet::cpu::passes::HWY_NAMESPACE {

/// Sixteen elements of each row, held in vectors.
struct Row {
  Sixteen weights, gradients, first_moment, second_moment;
  // As of Sixteen.
  HWY_INLINE Row() {}
};

class MomentsStep {
 public:
  explicit MomentsStep(const MomentsPass& pass)
      : pass_(pass),
        clip_(splat(pass.clip)),
        beta1_(splat(pass.beta1)),
        rest1_(splat(pass.rest1)),
        beta2_(splat(pass.beta2)),
        rest2_(splat(pass.rest2)),
        decay_(splat(pass.decay)) {}

  HWY_INLINE void update_moments(Row& row) const {
    const Sixteen gradient = multiply(row.gradients, clip_);
    row.first_moment = multiply_add(row.first_moment, beta1_, multiply(gradient, rest1_));
    row.second_moment =
        multiply_add(row.second_moment, beta2_, multiply(multiply(gradient, gradient), rest2_));
  }
  HWY_INLINE Sixteen direction(const Row& row) const {
    Sixteen r;
    const Float first = hn::Set(Floats(), pass_.first);
    const Float second = hn::Set(Floats(), pass_.second);
    const Float epsilon = hn::Set(Floats(), pass_.epsilon);
    for (int i = 0; i < kParts; ++i) {
      const Float root = hn::Sqrt(hn::Mul(row.second_moment.part[i], second));
      r.part[i] = hn::Div(hn::Mul(row.first_moment.part[i], first), hn::Add(root, epsilon));
    }
    return r;
  }
  HWY_INLINE Sixteen with_decay(const Row& row) const {
    return multiply_add(decay_, row.weights, direction(row));
  }

  /// Calls step(row) for sixteen elements at a time, and stores what it left in the row.
  template <class Step>
  HWY_INLINE void each(Step&& step) const {
    int64_t i = 0;
    for (; i + 16 <= pass_.count; i += 16) {
      Row row;
      row.weights = load(pass_.weights + i);
      row.gradients = load(pass_.gradients + i);
      row.first_moment = load(pass_.first_moment + i);
      row.second_moment = load(pass_.second_moment + i);
      step(row);
      store(row.weights, pass_.weights + i);
      store(row.first_moment, pass_.first_moment + i);
      store(row.second_moment, pass_.second_moment + i);
    }
    rest(i, step);
  }

 private:
  /// Zeros behind the end stay zeros and add nothing to a sum.
  template <class Step>
  HWY_INLINE void rest(int64_t begin, Step&& step) const {
    const int64_t count = pass_.count - begin;
    if (count == 0) return;
    HWY_ALIGN float w[16] = {}, g[16] = {}, m[16] = {}, v[16] = {};
    for (int64_t k = 0; k < count; ++k) {
      w[k] = pass_.weights[begin + k];
      g[k] = pass_.gradients[begin + k];
      m[k] = pass_.first_moment[begin + k];
      v[k] = pass_.second_moment[begin + k];
    }
    Row row;
    row.weights = load(w);
    row.gradients = load(g);
    row.first_moment = load(m);
    row.second_moment = load(v);
    step(row);
    store(row.weights, w);
    store(row.first_moment, m);
    store(row.second_moment, v);
    for (int64_t k = 0; k < count; ++k) {
      pass_.weights[begin + k] = w[k];
      pass_.first_moment[begin + k] = m[k];
      pass_.second_moment[begin + k] = v[k];
    }
  }

  const MomentsPass& pass_;
  Sixteen clip_, beta1_, rest1_, beta2_, rest2_, decay_;
};

void adamw_rows(const MomentsPass& pass) {
  const MomentsStep step(pass);
  const Sixteen keep = splat(1 - pass.rate * pass.decay);
  const Sixteen rate = splat(pass.rate);
  step.each([&](Row& row) HWY_ATTR {
    step.update_moments(row);
    row.weights = subtract(multiply(row.weights, keep), multiply(rate, step.direction(row)));
  });
}

void lamb_moments_rows(const MomentsPass& pass, double (&sums)[2]) {
  const MomentsStep step(pass);
  HWY_ALIGN double weights[16] = {}, directions[16] = {};
  step.each([&](Row& row) HWY_ATTR {
    step.update_moments(row);
    const Sixteen direction = step.with_decay(row);
    add_to(multiply(row.weights, row.weights), weights);
    add_to(multiply(direction, direction), directions);
  });
  for (int lane = 0; lane < 16; ++lane) {
    sums[0] += weights[lane];
    sums[1] += directions[lane];
  }
}

void lamb_rows(const MomentsPass& pass) {
  const MomentsStep step(pass);
  const Sixteen rate = splat(pass.rate);
  step.each([&](Row& row) HWY_ATTR {
    row.weights = subtract(row.weights, multiply(rate, step.with_decay(row)));
  });
}

}  // namespace preresnet::cpu::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace preresnet::cpu::passes {
HWY_EXPORT(adamw_rows);
HWY_EXPORT(lamb_moments_rows);
HWY_EXPORT(lamb_rows);
void adamw(const MomentsPass& pass) { HWY_DYNAMIC_DISPATCH(adamw_rows)(pass); }
void lamb_moments(const MomentsPass& pass, double (&sums)[2]) {
  HWY_DYNAMIC_DISPATCH(lamb_moments_rows)(pass, sums);
}
void lamb(const MomentsPass& pass) { HWY_DYNAMIC_DISPATCH(lamb_rows)(pass); }
}  // namespace preresnet::cpu::passes
#endif
