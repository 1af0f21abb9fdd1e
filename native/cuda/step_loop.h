// Runs steps: while one is on the device the next one's batch is fetched and enqueued behind it.
// Nothing waits inside a step.
#pragma once
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cuda/device.h"
#include "cuda/prepared.h"
#include "cuda/replays.h"
#include "cuda/resident_sets.h"
#include "interfaces/cuda_api.h"

namespace preresnet::cuda {

class StepLoop {
 public:
  StepLoop(const Device&, const ProgramSet&, const Settings&);
  ~StepLoop();

  /// Appends to *trace where it is not null. When it throws, nothing that it enqueued is left
  /// running, unless the device failed (ERR_DEVICE).
  void run(const PreparedProgram&, preresnet_cuda_run&, std::vector<preresnet_cuda_event>* trace);

 private:
  using Clock = std::chrono::steady_clock;

  /// A step that is on the device.
  struct Flight {
    int slot;
    uint64_t step;  // global
    int64_t samples;
    double waited;  // seconds, for the batch
    Clock::time_point started;
  };
  /// What a step leaves on the host, one a slot.
  struct Results {
    float* metrics;  // 4
    float* scaler;   // 8
    int32_t* predictions;
    int32_t* labels;
  };
  /// What the work of a step depends on beside its program.
  struct GraphKey {
    int slot;
    bool keeps_buffers, collects;
    auto operator<=>(const GraphKey&) const = default;
  };
  /// One call of run().
  struct Call {
    const PreparedProgram& program;
    preresnet_cuda_run& run;
    std::vector<preresnet_cuda_event>* trace;
    /// The update is not guarded on the device: the host looks at loss and gradients itself.
    bool guarded_here;
    const uint8_t* set;  // that batches are indices of, on the device; null: they are pixels
    Clock::time_point begin;
    Clock::time_point last_done;
  };

  bool stage(const Call&, int64_t index, int slot, Flight*);
  const uint8_t* resident_set(const PreparedProgram&, const preresnet_cuda_run&);
  void copy_batch(const Call&, int slot) const;
  void gather_batch(const Call&, int slot) const;
  int32_t* indices_of(int slot) const;
  void enqueue(const Call&, const Flight&, double learning_rate);
  void enqueue_step(const Call&, int slot, const PreparedProgram::Enqueueing::Between&) const;
  bool keeps_buffers(const Call&) const;
  void enqueue_results(const Call&, int slot) const;
  void watch(const Call&, const Flight&, size_t operation, bool before) const;
  void finish(Call&);
  void check(const Call&, const Flight&) const;
  void append_trace(const Call&) const;
  [[noreturn]] void explain(const Call&, const Flight&, size_t until,
                            const std::string& what) const;
  void restore_buffers(int slot) const;
  void poison(const Call&, size_t operation, bool before) const;
  bool all_finite_on_device(const Tensor&, int slot) const;

  const Device& device_;
  Runtime& runtime_;
  const Settings settings_;
  size_t input_bytes_ = 0;    // of one slot
  size_t result_labels_ = 0;  // elements
  ResidentSets sets_;
  PinnedMemory staging_;  // the inputs of each slot
  PinnedMemory indices_;  // of each slot
  PinnedMemory results_memory_;
  std::array<Results, kSlots> results_{};
  std::array<StepValues*, kSlots> values_{};
  std::array<bool, kSlots> staged_{};  // an event says when the slot's batch has been copied
  std::map<const PreparedProgram*, Replays<GraphKey>> replays_;
  std::optional<Flight> flying_;
  uint64_t turn_ = 0;
};

}  // namespace preresnet::cuda
