// What an executor is: it prepares each operation of a program once and runs it every step.
#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>

#include "interfaces/communicator.h"
#include "ops/operations.h"  // generated from contracts.json: one struct an operation and the variant AnyOperation

namespace preresnet {

/// What changes from step to step.
struct Step {
  uint64_t seed = 0;
  uint64_t index = 0;  // global step, from 0; the same in all its accumulations
  double learning_rate = 0;
  uint64_t weights_version = 0;  // grows when any parameter was written; an executor may keep
                                 // transformed weights while it stands
  // Only so many images at the front of the batch are wanted. What the others come out as is
  // nobody's business, and an executor may leave them out.
  int64_t images = std::numeric_limits<int64_t>::max();
  /// Which of the step's accumulations is computed, from 0.
  int64_t accumulation = 0;
  /// Of a program with `all_reduce`: who takes part.
  Communicator* ranks = nullptr;
  /// Where this rank's images begin among those of the step.
  int64_t position = 0;
  /// Samples of the step that count, on all ranks; -1: those that the labels say.
  int64_t counted = -1;
  /// The sum of the weights of their labels; -1: that of the labels.
  double label_weight = -1;
  /// Where the accumulation's images begin among those of the rank, of which `at_a_time` are
  /// computed at a time.
  int64_t first_image(int64_t at_a_time) const { return accumulation * at_a_time; }
  /// The same among those of the step.
  int64_t first_of_step(int64_t at_a_time) const { return position + first_image(at_a_time); }
  /// Whether its first group is that of the whole step, whose statistics are kept.
  bool leads() const { return position == 0 && accumulation == 0; }
  /// Of a batch of `all` images.
  int64_t wanted(int64_t all) const { return std::min(images, all); }
};

/// From a moment to a later one.
struct Span {
  std::chrono::steady_clock::time_point begin, end;
};

/// One prepared operation. `run` allocates nothing and creates no primitive.
class Operation {
 public:
  virtual ~Operation() = default;
  virtual void run(const Step&) = 0;
  /// When it went on beside later ones, once all of the step have run; nothing for most.
  virtual std::optional<Span> beside() const { return std::nullopt; }
};

/// Rates that no program of this machine exceeds by much, for comparison.
struct Roofline {
  double flops = 0;  // f32 multiplications and additions a second, operands in registers
  double bytes = 0;  // read and written a second by copies that fit no cache
  const char* instructions = "";  // the instruction set of the arithmetic
};

class Executor {
 public:
  virtual ~Executor() = default;
  virtual std::string_view name() const = 0;
  /// Called for every operation before any arena exists: `Tensor::data` is still null and is bound
  /// before the first run. The operation struct and its tensors outlive the Operation. Throws
  /// Error("ERR_UNSUPPORTED") for what this executor cannot do.
  virtual std::unique_ptr<Operation> prepare(const ops::AnyOperation&) = 0;
  /// Bytes beside the arenas that all operations prepared so far need (scratch of all threads,
  /// private copies). Known before allocate().
  virtual size_t scratch_bytes() const = 0;
  /// Allocates those bytes. Called once, after the last prepare().
  virtual void allocate(bool huge_pages) = 0;
  /// Calls function(task) for every task in 0 .. tasks - 1, on all threads where there are several.
  virtual void share_out(int64_t tasks, const std::function<void(int64_t task)>& function) {
    for (int64_t task = 0; task < tasks; ++task) function(task);
  }
  /// Measures with all threads, for less than a second. Throws Error("ERR_UNSUPPORTED") where
  /// speed is no concern.
  virtual Roofline measure_roofline() = 0;
};

std::unique_ptr<Executor> make_reference_executor();
/// threads >= 1. keep_weights: what convolutions make of their weights stays in memory of its own
/// from run to run; for sessions whose weights stand still.
std::unique_ptr<Executor> make_cpu_executor(int threads, bool keep_weights);

}  // namespace preresnet
