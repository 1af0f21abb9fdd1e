// What the operations of one executor share.
#pragma once
#include <memory>

#include "cpu/algorithms.h"
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
  /// Whether packed weights are kept from run to run.
  const bool keep_weights;
};

// One file each, of the operation's name. All check their tensors, and throw ERR_UNSUPPORTED.
std::unique_ptr<Operation> prepare(const ops::Input&, Context&);
std::unique_ptr<Operation> prepare(const ops::Conv&, Context&);
std::unique_ptr<Operation> prepare(const ops::ConvBackward&, Context&);
std::unique_ptr<Operation> prepare(const ops::BnFinalize&, Context&);
std::unique_ptr<Operation> prepare(const ops::BnBackward&, Context&);
std::unique_ptr<Operation> prepare(const ops::BnApplyBackward&, Context&);
std::unique_ptr<Operation> prepare(const ops::BnReluPool&, Context&);
std::unique_ptr<Operation> prepare(const ops::PoolBackward&, Context&);
std::unique_ptr<Operation> prepare(const ops::Head&, Context&);
std::unique_ptr<Operation> prepare(const ops::HeadBackward&, Context&);
std::unique_ptr<Operation> prepare(const ops::Linear&, Context&);
std::unique_ptr<Operation> prepare(const ops::LinearBackward&, Context&);
std::unique_ptr<Operation> prepare(const ops::SoftmaxCrossEntropy&, Context&);
std::unique_ptr<Operation> prepare(const ops::Softmax&, Context&);
std::unique_ptr<Operation> prepare(const ops::Pointwise&, Context&);
std::unique_ptr<Operation> prepare(const ops::Sgd&, Context&);

}  // namespace preresnet::cpu
