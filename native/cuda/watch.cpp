// What a step can do beside running: leave traces, fill dead memory with garbage, and say which
// operation first made something that is not a number.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "cuda/events.h"
#include "cuda/step_loop.h"
#include "program/finite.h"
#include "program/lifetimes.h"
#include "program/not_finite.h"

namespace preresnet::cuda {

namespace {
constexpr size_t kLargestTrace = 1'000'000;  // events; a trace is for a few steps
}

void StepLoop::watch(const Call& call, const Flight& flight, size_t operation, bool before) const {
  if (call.trace != nullptr) {
    const Stream stream{call.program.stream(operation)};
    if (before && call.run.serial != 0 && operation > 0) {
      runtime_.wait(stream, trace_event(operation - 1, false));
    }
    runtime_.record(stream, trace_event(operation, before));
  }
  if (call.run.poison != 0) poison(call, operation, before);
  if (!call.guarded_here) return;
  if (before && operation == call.program.update_index) {
    const Update& update = *call.program.update;
    runtime_.synchronize(kMain);
    for (const Tensor* gradients : {update.gradients, update.weight_gradients}) {
      if (gradients != nullptr && !all_finite_on_device(*gradients, flight.slot)) {
        explain(call, flight, operation, "a gradient");
      }
    }
  }
  if (!before && operation == call.program.loss_index) {
    float loss[4];
    device_.read(*call.program.loss->metrics, flight.slot, loss);
    if (!std::isfinite(loss[0])) explain(call, flight, operation + 1, "the loss");
  }
}

/// 0xff in what holds nothing: all transient memory and the results before a step, each tensor
/// after its last use, workspaces before every operation.
void StepLoop::poison(const Call& call, size_t operation, bool before) const {
  constexpr uint8_t kGarbage = 0xff;  // NaN in every floating type
  const MemoryPlan& plan = device_.plan();
  const auto everything_done = [&] {
    for (const Stream stream : {kMain, kWeights}) runtime_.synchronize(stream);
  };
  everything_done();
  if (before) {
    if (operation == 0) {
      const ByteRange all = plan.transient();
      runtime_.fill(kMain, device_.at(all.begin), kGarbage, all.end - all.begin);
      for (const Tensor* result : results_of(call.program.program())) {
        runtime_.fill(kMain, result->data, kGarbage, result->bytes);
      }
    }
    for (int stream = 0; stream < kComputeStreams; ++stream) {
      runtime_.fill(kMain, device_.at(plan.workspace(stream)), kGarbage,
                    plan.counters(stream) - plan.workspace(stream));
    }
  } else {
    for (const Tensor* tensor : call.program.dying(operation)) {
      runtime_.fill(kMain, tensor->data, kGarbage, tensor->bytes);
    }
  }
  everything_done();
}

void StepLoop::append_trace(const Call& call) const {
  // Times within a step are the device's; the steps follow each other.
  double offset = 0;
  for (const preresnet_cuda_event& event : *call.trace) {
    offset = std::max(offset, event.start + event.duration);
  }
  for (size_t index = 0; index < call.program.program().operations.size(); ++index) {
    if (call.trace->size() >= kLargestTrace) return;
    const Event begin = trace_event(index, true);
    const Event end = trace_event(index, false);
    call.trace->push_back({.program = 0,
                           .operation = static_cast<int32_t>(index),
                           .start = offset + runtime_.milliseconds(kTraceStartEvent, begin) * 1e3,
                           .duration = runtime_.milliseconds(begin, end) * 1e3});
  }
}

bool StepLoop::all_finite_on_device(const Tensor& tensor, int slot) const {
  std::vector<std::byte> bytes(tensor.bytes);
  device_.read(tensor, slot, bytes.data());
  Tensor copy = tensor;
  copy.data = bytes.data();
  return all_finite(copy);
}

void StepLoop::restore_buffers(int slot) const {
  const MemoryPlan& plan = device_.plan();
  if (plan.buffers_bytes() == 0) return;
  runtime_.copy_on_device(kMain, device_.at(plan.arena("buffers")),
                          device_.at(plan.kept_buffers(slot)), plan.buffers_bytes());
  runtime_.synchronize(kMain);
}

/// Names the first operation that made something that is not a number.
void StepLoop::explain(const Call& call, const Flight& flight, size_t until,
                       const std::string& what) const {
  for (const Stream stream : {kCopies, kWeights, kMain}) runtime_.synchronize(stream);
  restore_buffers(flight.slot);
  // Those of the step after may have come already.
  runtime_.copy_to_device(kMain, device_.at(device_.plan().step_values()),
                          values_[static_cast<size_t>(flight.slot)], sizeof(StepValues));
  const auto run = [&](size_t index) {
    // Its own stream's workspace: the other one's was not made for it.
    const Stream stream{call.program.stream(index)};
    call.program.operation(index).enqueue(device_.context(stream, flight.slot));
    runtime_.synchronize(stream);
  };
  const std::string found = first_not_finite(
      call.program.program(), until, run,
      [&](const Tensor& tensor) { return all_finite_on_device(tensor, flight.slot); });
  restore_buffers(flight.slot);
  throw Error("ERR_NOT_FINITE",
              "step " + std::to_string(flight.step) + ": " + what + " is not finite; " + found);
}

}  // namespace preresnet::cuda
