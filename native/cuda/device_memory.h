// The one piece of device memory of a session, and what lies where in it.
#pragma once
#include <cstddef>
#include <map>
#include <string>

#include "cuda/schedule.h"
#include "cuda/streams.h"
#include "program/landmarks.h"
#include "program/program.h"

namespace preresnet::cuda {

/// Steps, or inferences, whose inputs can be there at the same time.
constexpr int kSlots = 2;

/// Whether a program takes pixels and gives what it finds of them: it can be an inference.
bool answers(const Landmarks&);

/// Bytes from the start of the piece. Every arena begins on a multiple of 256.
class MemoryPlan {
 public:
  MemoryPlan(const ProgramSet&, const size_t (&workspaces)[kComputeStreams]);

  size_t arena(const std::string& name) const { return arenas_.at(name); }
  /// All of the arena in which tensors share memory; empty where there is none.
  ByteRange transient() const { return transient_; }
  /// From an input slot to the next.
  size_t slot_stride() const { return slot_stride_; }
  size_t workspace(int stream) const { return workspaces_[stream]; }
  size_t counters(int stream) const { return counters_[stream]; }
  size_t step_values() const { return step_values_; }
  /// Where a slot's indices lie: of its images, in a set that lies on the device.
  size_t indices(int slot) const { return indices_[slot]; }
  /// Images of the largest batch.
  size_t most_images() const { return most_images_; }
  /// Copies of the outputs of the inference in a slot; 0 bytes where no program can be one.
  size_t answers(int slot) const { return answers_[slot]; }
  size_t answers_bytes() const { return answers_bytes_; }
  /// What an output takes there.
  static size_t answer_bytes(const Tensor&);
  /// Copies of arena `buffers` as it was before the step in a slot; 0 bytes where there is none.
  size_t kept_buffers(int slot) const { return kept_buffers_[slot]; }
  size_t buffers_bytes() const { return buffers_bytes_; }
  size_t arena_bytes() const { return arena_bytes_; }
  size_t total() const { return total_; }

  /// Where a tensor lies, in its first slot.
  ByteRange range(const Tensor&) const;

 private:
  size_t take(size_t bytes);

  std::map<std::string, size_t> arenas_;
  ByteRange transient_;
  size_t slot_stride_ = 0;
  size_t workspaces_[kComputeStreams] = {};
  size_t counters_[kComputeStreams] = {};
  size_t step_values_ = 0;
  size_t indices_[kSlots] = {};
  size_t most_images_ = 0;
  size_t answers_[kSlots] = {};
  size_t answers_bytes_ = 0;
  size_t kept_buffers_[kSlots] = {};
  size_t buffers_bytes_ = 0;
  size_t arena_bytes_ = 0;
  size_t total_ = 0;
};

}  // namespace preresnet::cuda
