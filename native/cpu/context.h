// What the operations of one executor share.
#pragma once
#include <memory>

#include "cpu/algorithms.h"
#include "cpu/begun_reductions.h"
#include "cpu/scratch.h"
#include "cpu/thread_pool.h"
#include "interfaces/executor.h"
#include "ops/operations.h"

namespace preresnet::cpu {

struct Context {
  Context(int threads, bool keep)
      : pool(threads), scratch(threads), algorithms(threads), keep_weights(keep) {}

  ThreadPool pool;
  Scratch scratch;
  Algorithms algorithms;
  BegunReductions begun;
  /// Whether packed weights, and coefficients of running statistics, are kept from run to run.
  const bool keep_weights;
};

// One file each, of the operation's name; launches.cpp for those that it has not. All check their
// tensors, and throw ERR_UNSUPPORTED.
#define PRERESNET_PREPARE(Name) std::unique_ptr<Operation> prepare(const ops::Name&, Context&);
PRERESNET_EACH_OPERATION(PRERESNET_PREPARE)
#undef PRERESNET_PREPARE

}  // namespace preresnet::cpu
