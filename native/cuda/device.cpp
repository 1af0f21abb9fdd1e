#include "cuda/device.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace preresnet::cuda {

namespace {

constexpr size_t kBounce = size_t{1} << 20;  // bytes

std::string megabytes(size_t bytes) {
  return std::to_string((bytes + (size_t{1} << 20) - 1) >> 20) + " MiB";
}

}  // namespace

Device::Device(Runtime& runtime, ProgramSet& set, const MemoryPlan& plan)
    : runtime_(runtime), plan_(plan) {
  const size_t most = runtime.plannable_bytes();
  if (plan.total() > most) {
    throw Error("ERR_MEMORY", "expected at most " + megabytes(most) +
                                  " (what is free on the device, less " +
                                  megabytes(runtime.reserved_bytes()) +
                                  " for the code of kernels), got a program that needs " +
                                  megabytes(plan.total()) + " (" + megabytes(plan.arena_bytes()) +
                                  " in arenas, " + megabytes(plan.total() - plan.arena_bytes()) +
                                  " of workspace)");
  }
  bounce_ = std::make_unique<PinnedMemory>(runtime, kBounce);
  memory_ = std::make_unique<DeviceMemory>(runtime, plan.total());
  for (const auto& [name, bytes] : set.arenas) {
    if (name == kTransientArena) continue;
    const size_t all = name == "inputs" ? plan.slot_stride() * kSlots : bytes;
    if (all > 0) runtime.fill(kMain, at(plan.arena(name)), 0, all);
  }
  zero_counters();
  for (Tensor& tensor : set.tensors) tensor.data = at(plan.range(tensor).begin);
}

void Device::zero_counters() const {
  for (int stream = 0; stream < kComputeStreams; ++stream) {
    runtime_.fill(kMain, at(plan_.counters(stream)), 0, kCounters * sizeof(unsigned));
  }
  runtime_.synchronize(kMain);
}

void Device::abandon() const noexcept {
  try {
    for (const Stream stream : {kCopies, kWeights, kMain, kResults}) runtime_.synchronize(stream);
    zero_counters();
  } catch (...) {
    return;  // the device failed: nothing runs there any more
  }
}

StreamContext Device::context(Stream stream, int slot) const {
  const int index = static_cast<int>(stream);
  return {.runtime = runtime_,
          .stream = stream,
          .workspace = at(plan_.workspace(index)),
          .counters = reinterpret_cast<unsigned*>(at(plan_.counters(index))),
          .step = reinterpret_cast<const StepValues*>(at(plan_.step_values())),
          .slot = static_cast<ptrdiff_t>(plan_.slot_stride()) * slot};
}

std::byte* Device::address(const Tensor& tensor, int slot) const {
  return static_cast<std::byte*>(tensor.data) +
         (tensor.arena == "inputs" ? plan_.slot_stride() * static_cast<size_t>(slot) : 0);
}

void Device::read(const Tensor& tensor, int slot, void* bytes) const {
  const std::byte* from = address(tensor, slot);
  for (size_t done = 0; done < tensor.bytes; done += kBounce) {
    const size_t part = std::min(kBounce, tensor.bytes - done);
    runtime_.copy_to_host(kMain, bounce_->data(), from + done, part);
    runtime_.synchronize(kMain);
    std::memcpy(static_cast<std::byte*>(bytes) + done, bounce_->data(), part);
  }
}

void Device::write(const Tensor& tensor, const void* bytes) const {
  const int slots = tensor.arena == "inputs" ? kSlots : 1;
  for (size_t done = 0; done < tensor.bytes; done += kBounce) {
    const size_t part = std::min(kBounce, tensor.bytes - done);
    std::memcpy(bounce_->data(), static_cast<const std::byte*>(bytes) + done, part);
    for (int slot = 0; slot < slots; ++slot) {
      runtime_.copy_to_device(kMain, address(tensor, slot) + done, bounce_->data(), part);
    }
    runtime_.synchronize(kMain);
  }
}

}  // namespace preresnet::cuda
