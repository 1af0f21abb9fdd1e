// A program with its operations prepared and scheduled.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "cuda/device_memory.h"
#include "cuda/operation.h"
#include "cuda/schedule.h"
#include "program/landmarks.h"
#include "program/lifetimes.h"
#include "program/program.h"

namespace preresnet::cuda {

class PreparedProgram : public Landmarks {
 public:
  /// `stop` is asked before each operation; ERR_ABORTED where it says so.
  PreparedProgram(const Program&, const Context&, const std::function<bool()>& stop);

  /// Called once, when the workspaces of all programs are known.
  void schedule(const MemoryPlan&);

  const Program& program() const { return program_; }
  const DeviceOperation& operation(size_t index) const { return *operations_[index]; }
  int stream(size_t index) const { return streams_[index]; }
  size_t workspace_bytes(int stream) const;
  /// Transient tensors whose last use is that operation.
  const std::vector<const Tensor*>& dying(size_t index) const { return dying_[index]; }
  const Schedule& schedule() const { return schedule_; }

  /// Everything that has to be the same for one step. `context` makes what its operations need to
  /// know of a stream; `between` is called before and after each operation, on its stream, and may
  /// be empty.
  struct Enqueueing {
    using Between = std::function<void(size_t operation, bool before)>;
    Runtime& runtime;
    std::function<StreamContext(Stream)> context;
    int omit_wait = -1;
    Between between;
  };
  void enqueue(const Enqueueing&) const;

 private:
  const Program& program_;
  std::vector<std::unique_ptr<DeviceOperation>> operations_;
  std::vector<int> streams_;
  std::vector<std::vector<const Tensor*>> dying_;
  Schedule schedule_;
};

}  // namespace preresnet::cuda
