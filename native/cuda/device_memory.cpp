#include "cuda/device_memory.h"

#include <algorithm>
#include <set>

#include "cuda/operation.h"

namespace preresnet::cuda {

namespace {
constexpr size_t kAlignment = 256;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// Of all that a program leaves in arena `outputs`.
size_t outputs_bytes(const Program& program) {
  std::set<const Tensor*> outputs;
  for (const ProgramOperation& operation : program.operations) {
    for (const Operand& operand : operands_of(operation.operation)) {
      if (operand.tensor->arena == "outputs") outputs.insert(operand.tensor);
    }
  }
  size_t bytes = 0;
  for (const Tensor* tensor : outputs) bytes += MemoryPlan::answer_bytes(*tensor);
  return bytes;
}

}  // namespace

bool answers(const Landmarks& program) {
  return program.input != nullptr && program.input->crops == nullptr && !program.loss;
}

size_t MemoryPlan::answer_bytes(const Tensor& output) { return aligned(output.bytes); }

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
    const Landmarks found = find_landmarks(program);
    if (found.input == nullptr) continue;
    most_images_ = std::max(most_images_, static_cast<size_t>(found.input->images->dim(0)));
    if (cuda::answers(found)) answers_bytes_ = std::max(answers_bytes_, outputs_bytes(program));
  }
  for (size_t& indices : indices_) indices = take(most_images_ * sizeof(int32_t));
  for (size_t& answer : answers_) answer = take(answers_bytes_);
  for (size_t& kept : kept_buffers_) kept = take(buffers_bytes_);
}

size_t MemoryPlan::take(size_t bytes) {
  const size_t begin = total_;
  total_ += aligned(bytes);
  return begin;
}

ByteRange MemoryPlan::range(const Tensor& tensor) const {
  const size_t begin = arena(tensor.arena) + tensor.offset;
  return {begin, begin + tensor.bytes};
}

}  // namespace preresnet::cuda
