// What changes from step to step, in device memory; refreshed before each step by one copy.
#pragma once
#include <cstdint>

namespace preresnet::cuda {

struct StepValues {
  uint64_t seed = 0;
  uint64_t step = 0;  // global, from 0
  double learning_rate = 0;
};

}  // namespace preresnet::cuda
