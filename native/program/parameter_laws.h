// Laws of operations on all parameters as one row of segments.
#pragma once
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "core/tree.h"
#include "program/demands.h"

namespace preresnet {

/// Segments lie side by side in [0, elements), and none lies on both sides of `border`.
template <class Op>
void segments(const Op& op, int64_t elements, int64_t border) {
  const size_t count = op.offsets.size();
  demand(count >= 1, "at least one segment", count);
  demand(op.lengths.size() == count, "as many lengths as offsets", op.lengths.size());
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return op.offsets[a] < op.offsets[b]; });
  int64_t end = 0;
  for (const size_t segment : order) {
    const int64_t start = op.offsets[segment];
    demand(start >= end, "segments that do not overlap, the next from " + std::to_string(end),
           start);
    demand(op.lengths[segment] >= 1 && op.lengths[segment] <= elements - std::min(elements, start),
           "segments inside of " + std::to_string(elements) + " elements", op.lengths[segment]);
    end = start + op.lengths[segment];
    demand(start >= border || end <= border,
           "segments on one side of element " + std::to_string(border), start);
  }
}

inline void law(const ops::Accumulate& op) {
  demand(op.times >= 2, "times of at least 2", op.times);
  equal("levels that wait", tree_levels(op.times), op.waitingGradients->dim(0));
  together("metrics", op.metrics, "waitingMetrics", op.waitingMetrics);
  segments(op, op.gradients->dim(0), 0);
}

inline void law(const ops::AllReduce& op) {
  demand(op.ranks >= 2, "ranks of at least 2", op.ranks);
  // Where norms alone are trained, and their sums were those of all ranks.
  if (op.metrics != nullptr && op.offsets.empty() && op.lengths.empty()) return;
  segments(op, op.gradients->dim(0), 0);
}

inline void law(const ops::AllReduceBegin& op) {
  demand(op.ranks >= 2, "ranks of at least 2", op.ranks);
  segments(op, op.gradients->dim(0), 0);
}

inline void law(const ops::AllReduceSums& op) {
  demand(op.ranks >= 2, "ranks of at least 2", op.ranks);
  demand(op.sums->dtype == op.total->dtype, "sums and total of one type", "several");
}

inline void law(const ops::CheckGradients& op) {
  const int64_t first = op.weightGradients == nullptr ? 0 : op.weightGradients->dim(0);
  segments(op, first + op.gradients->dim(0), first);
}

/// What all optimizers must keep to.
template <class Op>
void optimizer(const Op& op) {
  const size_t count = op.offsets.size();
  const int64_t elements = op.weights->dim(0);
  const int64_t first = op.weightGradients == nullptr ? 0 : op.weightGradients->dim(0);
  equal("gradients and weightGradients of together", elements, first + op.gradients->dim(0));
  if (op.copies != nullptr) {
    demand(op.copies->dim(0) <= elements, "no more copies than weights", op.copies->dim(0));
  }
  demand(op.weights->dtype == op.gradients->dtype, "weights and gradients of one type", "several");
  segments(op, elements, op.copies != nullptr ? op.copies->dim(0) : first);
  demand(op.decays.size() == count, "as many decays as offsets", op.decays.size());
  demand(op.rates.size() == count, "as many rates as offsets", op.rates.size());
  demand(op.clipNorm >= 0, "clipNorm of at least 0", op.clipNorm);
  demand(op.growthInterval >= 0, "growthInterval of at least 0", op.growthInterval);
  only_with("growthInterval", op.growthInterval > 0, "scaler", op.scaler != nullptr);
  for (const double decay : op.decays) demand(decay >= 0, "decays of at least 0", decay);
  for (const double rate : op.rates) demand(rate >= 0, "rates of at least 0", rate);
}

inline void law(const ops::Sgd& op) {
  optimizer(op);
  demand(op.weights->dtype == op.velocity->dtype, "weights and velocity of one type", "several");
  demand(op.momentum >= 0 && op.momentum < 1, "momentum from 0 to below 1", op.momentum);
}

inline void law(const ops::Lars& op) {
  optimizer(op);
  demand(op.weights->dtype == op.velocity->dtype, "weights and velocity of one type", "several");
  demand(op.momentum >= 0 && op.momentum < 1, "momentum from 0 to below 1", op.momentum);
  demand(op.coefficients.size() == op.offsets.size(), "as many coefficients as offsets",
         op.coefficients.size());
  for (const double coefficient : op.coefficients) {
    demand(coefficient >= 0, "coefficients of at least 0", coefficient);
  }
}

template <class Op>
void moments(const Op& op) {
  optimizer(op);
  const DType dtype = op.weights->dtype;
  demand(dtype == op.firstMoment->dtype && dtype == op.secondMoment->dtype,
         "weights and moments of one type", "several");
  demand(op.beta1 >= 0 && op.beta1 < 1, "beta1 from 0 to below 1", op.beta1);
  demand(op.beta2 >= 0 && op.beta2 < 1, "beta2 from 0 to below 1", op.beta2);
  // What pads a layout has moments of 0: it stays 0 only where this is more.
  demand(op.epsilon > 0, "epsilon above 0", op.epsilon);
}

inline void law(const ops::Ema& op) {
  together("statistics", op.statistics, "averagedStatistics", op.averagedStatistics);
  demand(op.decay >= 0 && op.decay < 1, "decay from 0 to below 1", op.decay);
  demand(op.every >= 1, "every of at least 1", op.every);
  demand(op.after >= 0, "after of at least 0", op.after);
}

inline void law(const ops::Adamw& op) { moments(op); }
inline void law(const ops::Lamb& op) { moments(op); }

}  // namespace preresnet
