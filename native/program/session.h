// A set of programs ready to run: its memory, its executor, its steps. Used by one thread at a
// time; cancel() by any.
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch_source.h"
#include "program/arena.h"
#include "program/convert.h"
#include "program/executor.h"
#include "program/lifetimes.h"
#include "program/program.h"

namespace preresnet {

struct SessionMemory {
  size_t arenas = 0;
  size_t scratch = 0;  // of the executor, and the copy of the buffers that makes a step undoable
  size_t total() const { return arenas + scratch; }
};

struct RunRequest {
  int64_t steps = 0;
  uint64_t seed = 0;
  uint64_t first_step = 0;
  std::vector<double> learning_rates;  // one a step, or none
  std::shared_ptr<BatchSource> source;
  uint64_t first_batch = 0;
  bool check_finite = false;
  bool poison = false;
  bool trace = false;
  bool collect = false;
  uint64_t ticket = 0;  // of Session::ticket(), taken when the run was asked for
};

struct RunOutcome {
  std::vector<double>
      rows;  // 6 a step: loss sum, counted, top-1, top-5, seconds waited, seconds run
  int64_t completed = 0;
  bool cancelled = false;
  std::vector<int32_t> predictions;
  std::vector<int32_t> labels;
};

struct TraceEvent {
  const ProgramOperation* operation;
  double start;     // microseconds since the run began
  double duration;  // microseconds
};

class Session {
 public:
  /// Reads and verifies the programs and prepares every operation. threads: 0 for what the machine
  /// allows. Ends with ERR_ABORTED soon after `stop` becomes true.
  Session(std::string_view programs, int threads, const std::atomic<bool>& stop);
  ~Session();

  SessionMemory memory() const;
  /// ERR_MEMORY if that is more than is available.
  void allocate();

  Values read(std::string_view tensor) const;
  void write(std::string_view tensor, const Values&);
  /// A plain f32 or f64 tensor of a persistent arena, else ERR_PARAMETER. JavaScript may write
  /// through it from then on. Any thread.
  const Tensor& viewable(std::string_view tensor);
  /// Kept alive by whoever holds it, also after the session.
  std::shared_ptr<Arena> arena(std::string_view name) const;

  RunOutcome run(std::string_view program, const RunRequest&);

  /// Any thread: runs whose ticket was taken before end between two operations.
  void cancel() { ++cancellations_; }
  uint64_t ticket() const { return cancellations_; }

  /// What the executor's threads reach at best.
  Peaks measure_peaks() { return executor_->measure_peaks(); }

  /// Of the last run that was traced. Any thread.
  std::vector<TraceEvent> trace() const;

 private:
  struct Prepared;

  const Tensor& persistent(std::string_view name) const;
  void require_memory() const;
  bool step(Prepared&, const RunRequest&, Step, bool traced);
  void take_batch(Prepared&, const Batch&) const;
  void check_inputs(const Prepared&) const;
  [[noreturn]] void explain_not_finite(Prepared&, const Step&, size_t until,
                                       const std::string& what);
  void keep_buffers();
  void restore_buffers();

  std::unique_ptr<ProgramSet> set_;
  std::unique_ptr<Executor> executor_;
  std::map<std::string, std::unique_ptr<Prepared>, std::less<>> programs_;
  std::map<std::string_view, const Tensor*> persistent_;
  std::map<std::string, std::shared_ptr<Arena>, std::less<>> arenas_;
  std::vector<std::byte> kept_buffers_;
  mutable std::mutex trace_mutex_;
  std::vector<TraceEvent> finished_trace_;  // guarded by trace_mutex_
  std::vector<TraceEvent> trace_;           // of the run going on
  std::atomic<uint64_t> cancellations_{0};
  uint64_t weights_version_ = 1;
  std::atomic<bool> viewed_{false};
  std::atomic<bool> allocated_{false};
};

/// The executor for a device of programs: "reference" or "cpu". ERR_DEVICE for another.
std::unique_ptr<Executor> make_executor(const std::string& device, int threads);

}  // namespace preresnet
