// Inferences that follow each other: while one is computed, the next one's pixels go to the device
// and the results of the one before come back.
#pragma once
#include <cstddef>
#include <deque>
#include <map>
#include <vector>

#include "cuda/device.h"
#include "cuda/prepared.h"
#include "cuda/replays.h"
#include "interfaces/cuda_api.h"

namespace preresnet::cuda {

/// What an inference computes with, and what comes back of it.
struct InferenceWork {
  const PreparedProgram& program;
  std::vector<const uint8_t*> images;  // at most as many as the program takes
  std::vector<const Tensor*> outputs;  // of arena `outputs`
};

class InferenceLoop {
 public:
  InferenceLoop(const Device&, const ProgramSet&, const Settings&);
  ~InferenceLoop();

  /// Reads the images and enqueues the rest. At most kSlots can be under way.
  void begin(const InferenceWork&);
  /// Whether the oldest one that is under way is over; `wait`: waits for it. Its outputs are copied
  /// to `targets` then. What it throws is of that one, which is no longer under way.
  bool end(bool wait, void* const* targets);
  /// Waits for all; their results stay here until `end` takes them.
  void drain();

 private:
  struct Flight {
    int slot;
    std::vector<const Tensor*> outputs;
  };
  struct Key {
    int slot;
    std::vector<const Tensor*> outputs;
    auto operator<=>(const Key&) const = default;
  };

  void enqueue(const InferenceWork&, int slot);
  void compute(const InferenceWork&, int slot) const;
  bool omits(const PreparedProgram&, size_t wait) const;

  const Device& device_;
  Runtime& runtime_;
  const Settings settings_;
  size_t image_bytes_;    // of the largest batch
  PinnedMemory pixels_;   // of each slot
  PinnedMemory results_;  // of each slot
  std::map<const PreparedProgram*, Replays<Key>> replays_;
  std::deque<Flight> flights_;  // the oldest first
  uint64_t turn_ = 0;
};

}  // namespace preresnet::cuda
