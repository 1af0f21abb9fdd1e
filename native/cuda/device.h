// A session's device: its memory, and the host memory through which values come and go.
#pragma once
#include <cstddef>
#include <memory>

#include "cuda/device_memory.h"
#include "cuda/operation.h"
#include "cuda/runtime.h"
#include "program/program.h"

namespace preresnet::cuda {

/// Memory of the host that the device reads and writes.
class PinnedMemory {
 public:
  PinnedMemory(Runtime& runtime, size_t bytes)
      : runtime_(runtime), data_(static_cast<std::byte*>(runtime.allocate_pinned(bytes))) {}
  ~PinnedMemory() { runtime_.free_pinned(data_); }
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  std::byte* data() const { return data_; }

 private:
  Runtime& runtime_;
  std::byte* data_;
};

class DeviceMemory {
 public:
  DeviceMemory(Runtime& runtime, size_t bytes)
      : runtime_(runtime), bytes_(bytes), data_(static_cast<std::byte*>(runtime.allocate(bytes))) {}
  ~DeviceMemory() { runtime_.free(data_); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  size_t bytes() const { return bytes_; }
  std::byte* data() const { return data_; }

 private:
  Runtime& runtime_;
  size_t bytes_;
  std::byte* data_;
};

class Device {
 public:
  /// Allocates everything and binds the tensors; persistent arenas are zeros. ERR_MEMORY with what
  /// is needed and what is free.
  Device(Runtime&, ProgramSet&, const MemoryPlan&);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  Runtime& runtime() const { return runtime_; }
  const MemoryPlan& plan() const { return plan_; }
  std::byte* at(size_t offset) const { return memory_->data() + offset; }
  StreamContext context(Stream, int slot) const;
  /// For when work failed, or its memory is about to be freed: nothing of it goes on, and sums of
  /// later work begin to count at zero. The host waits.
  void abandon() const noexcept;
  /// Where a tensor lies for a slot.
  std::byte* address(const Tensor&, int slot) const;

  // After everything that was enqueued on the main stream; the host waits.
  void read(const Tensor&, int slot, void* bytes) const;
  /// Inputs: into every slot.
  void write(const Tensor&, const void* bytes) const;

 private:
  void zero_counters() const;

  Runtime& runtime_;
  const MemoryPlan& plan_;
  std::unique_ptr<PinnedMemory> bounce_;
  std::unique_ptr<DeviceMemory> memory_;
};

}  // namespace preresnet::cuda
