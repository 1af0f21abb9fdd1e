// A session on the host: the executors `reference` and `cpu`.
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "interfaces/executor.h"
#include "program/lifetimes.h"
#include "program/session.h"

namespace preresnet {

struct Update;

class HostSession : public Session {
 public:
  /// Verifies the programs and prepares every operation. threads: 0 for what the machine allows.
  /// Ends with ERR_ABORTED soon after `stop` becomes true.
  /// ranks: who takes part where programs have an operation `all_reduce`; null: nobody else.
  HostSession(std::unique_ptr<ProgramSet>, int threads, const std::atomic<bool>& stop,
              std::shared_ptr<Communicator> ranks = nullptr);
  ~HostSession() override;

  SessionMemory memory() const override;
  void allocate() override;
  Values read(std::string_view tensor) override;
  void read_floats(std::string_view tensor, std::span<float> target) override;
  void write(std::string_view tensor, const Values&) override;
  void write_floats(std::string_view tensor, std::span<const float>) override;
  const Tensor& viewable(std::string_view tensor) override;
  std::shared_ptr<Arena> arena(std::string_view name) const override;
  RunOutcome run(std::string_view program, const RunRequest&) override;
  void begin_inference(const Inference&) override;
  bool end_inference(bool) override { return true; }
  void share(std::string_view arena) override;
  Roofline measure_roofline() override { return executor_->measure_roofline(); }
  std::vector<TraceEvent> trace() const override;

 private:
  struct Prepared;

  void require_memory() const;
  void require_contents(const Tensor&) const;
  template <class Write>
  void write_by(std::string_view tensor, Write&& into);
  bool shares(std::string_view arena) const;
  bool gradients_finite(const Update&);
  struct Clocks;

  void check_ranks() const;
  RunOutcome run_steps(Prepared&, const RunRequest&);
  bool take_next(Prepared&, const RunRequest&, int64_t index);
  bool agree(const Prepared&, bool ends, Step&) const;
  bool step(Prepared&, const RunRequest&, Step, bool traced);
  bool run_operations(Prepared&, const RunRequest&, const Step&, size_t end, const Clocks&);
  void trace_beside(const Prepared&, const Clocks&);
  void check_gradients(Prepared&, const Step&, size_t index);
  void take_batch(Prepared&, const Batch&) const;
  void check_inputs(const Prepared&) const;
  [[noreturn]] void explain_not_finite(Prepared&, const Step&, size_t until,
                                       const std::string& what);
  void keep_buffers();
  void restore_buffers();

  const std::shared_ptr<Communicator> ranks_;
  std::unique_ptr<Executor> executor_;
  std::map<std::string, std::unique_ptr<Prepared>, std::less<>> programs_;
  std::map<std::string, std::shared_ptr<Arena>, std::less<>> arenas_;
  std::vector<std::byte> kept_buffers_;
  mutable std::mutex trace_mutex_;
  std::vector<TraceEvent> finished_trace_;  // guarded by trace_mutex_
  std::vector<TraceEvent> trace_;           // of the run going on
  uint64_t weights_version_ = 1;
  std::atomic<bool> viewed_{false};
  std::atomic<bool> holds_gradients_{false};
  std::atomic<bool> allocated_{false};
};

/// The executor for a device of programs: "reference" or "cpu". ERR_DEVICE for another.
/// keep_weights: see make_cpu_executor.
std::unique_ptr<Executor> make_executor(const std::string& device, int threads, bool keep_weights);

}  // namespace preresnet
