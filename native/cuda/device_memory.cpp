#include "cuda/device_memory.h"

#include <algorithm>

#include "cuda/operation.h"
#include "program/landmarks.h"

namespace preresnet::cuda {

namespace {
constexpr size_t kAlignment = 256;
}

MemoryPlan::MemoryPlan(const ProgramSet& set, const size_t (&workspaces)[kComputeStreams]) {
  for (const auto& [name, bytes] : set.arenas) {
    arenas_[name] = take(bytes);
    if (name == "inputs") {
      slot_stride_ = take(bytes) - arenas_[name];
      for (int slot = 2; slot < kSlots; ++slot) take(bytes);
    }
    if (name == "buffers") buffers_bytes_ = bytes;
    if (name == kTransientArena) transient_ = {arenas_[name], arenas_[name] + bytes};
  }
  arena_bytes_ = total_;
  for (int stream = 0; stream < kComputeStreams; ++stream) {
    workspaces_[stream] = take(workspaces[stream]);
    counters_[stream] = take(kCounters * sizeof(unsigned));
  }
  step_values_ = take(sizeof(StepValues));
  for (const auto& [name, program] : set.programs) {
    const ops::Input* input = find_landmarks(program).input;
    if (input == nullptr) continue;
    most_images_ = std::max(most_images_, static_cast<size_t>(input->images->dim(0)));
  }
  for (size_t& indices : indices_) indices = take(most_images_ * sizeof(int32_t));
  for (size_t& kept : kept_buffers_) kept = take(buffers_bytes_);
}

size_t MemoryPlan::take(size_t bytes) {
  const size_t begin = total_;
  total_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  return begin;
}

ByteRange MemoryPlan::range(const Tensor& tensor) const {
  const size_t begin = arena(tensor.arena) + tensor.offset;
  return {begin, begin + tensor.bytes};
}

}  // namespace preresnet::cuda
