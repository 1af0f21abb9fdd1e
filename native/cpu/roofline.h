// What this machine's arithmetic and memory reach at best.
#pragma once
#include "cpu/thread_pool.h"
#include "interfaces/executor.h"

namespace preresnet::cpu {

/// The best of several short tries, all threads at once.
Roofline measure_roofline(ThreadPool& pool);

}  // namespace preresnet::cpu
