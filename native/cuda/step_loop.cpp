#include "cuda/step_loop.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "cuda/events.h"
#include "cuda/kernels/gather_images.h"

namespace preresnet::cuda {

namespace {

// A loss scale that has fallen this far is no accident: the gradients themselves are not finite.
constexpr float kSmallestScale = 0x1p-14f;

size_t largest_labels(const ProgramSet& set) {
  size_t elements = 0;
  for (const auto& [name, program] : set.programs) {
    const Landmarks found = find_landmarks(program);
    if (found.loss) {
      elements = std::max(elements, static_cast<size_t>(found.loss->labels->dim(0)));
    }
  }
  return elements;
}

size_t arena_bytes(const ProgramSet& set, const char* name) {
  const auto arena = set.arenas.find(name);
  return arena == set.arenas.end() ? 0 : arena->second;
}

constexpr size_t kFloats = 16;  // metrics and scaler
constexpr size_t kAlignment = 64;

size_t slot_bytes(size_t labels) {
  const size_t bytes = kFloats * sizeof(float) + sizeof(StepValues) + 2 * labels * sizeof(int32_t);
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

size_t images_of(const Landmarks& program) {
  return static_cast<size_t>(program.input->images->dim(0));
}

size_t image_bytes_of(const Landmarks& program) {
  return program.input->images->bytes / images_of(program);
}

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

const Tensor* scaler_of(const Landmarks& program) {
  return program.update ? program.update->scaler : nullptr;
}

}  // namespace

StepLoop::StepLoop(const Device& device, const ProgramSet& set, const Settings& settings)
    : device_(device),
      runtime_(device.runtime()),
      settings_(settings),
      input_bytes_(arena_bytes(set, "inputs")),
      result_labels_(largest_labels(set)),
      sets_(runtime_, settings.resident_limit),
      staging_(runtime_, input_bytes_ * kSlots),
      indices_(runtime_, device.plan().most_images() * sizeof(int32_t) * kSlots),
      results_memory_(runtime_, slot_bytes(result_labels_) * kSlots) {
  for (int slot = 0; slot < kSlots; ++slot) {
    std::byte* at = results_memory_.data() + slot_bytes(result_labels_) * static_cast<size_t>(slot);
    Results& results = results_[static_cast<size_t>(slot)];
    values_[static_cast<size_t>(slot)] = reinterpret_cast<StepValues*>(at);
    at += sizeof(StepValues);
    results.metrics = reinterpret_cast<float*>(at);
    results.scaler = results.metrics + 4;
    at += kFloats * sizeof(float);
    results.predictions = reinterpret_cast<int32_t*>(at);
    results.labels = results.predictions + result_labels_;
  }
}

StepLoop::~StepLoop() { device_.abandon(); }

void StepLoop::run(const PreparedProgram& program, preresnet_cuda_run& run,
                   std::vector<preresnet_cuda_event>* trace) {
  Call call{.program = program,
            .run = run,
            .trace = trace,
            .guarded_here = run.check_finite != 0 && program.update.has_value() &&
                            scaler_of(program) == nullptr,
            .set = resident_set(program, run),
            .begin = Clock::now(),
            .last_done = Clock::now()};
  run.was_canceled = 0;
  try {
    for (int64_t index = 0; index < run.steps; ++index) {
      if (run.canceled != nullptr && run.canceled(run.owner) != 0) {
        run.was_canceled = 1;
        break;
      }
      Flight flight{.slot = static_cast<int>(turn_ % kSlots),
                    .step = run.first_step + static_cast<uint64_t>(index),
                    .samples = 0,
                    .waited = 0,
                    .started = {}};
      if (!stage(call, index, flight.slot, &flight)) break;
      ++turn_;
      enqueue(call, flight, run.learning_rates == nullptr ? 0 : run.learning_rates[index]);
      // The step before is over, or is waited for, while this one runs.
      finish(call);
      flying_ = flight;
      if (call.trace != nullptr || run.poison != 0 || call.guarded_here) finish(call);
    }
    finish(call);
  } catch (...) {
    flying_.reset();
    device_.abandon();
    throw;
  }
}

const uint8_t* StepLoop::resident_set(const PreparedProgram& program,
                                      const preresnet_cuda_run& run) {
  const Landmarks& found = program;
  if (run.set == 0 || found.input == nullptr) return nullptr;
  return sets_.find(run.set, run.set_images,
                    static_cast<size_t>(run.set_count) * image_bytes_of(found));
}

/// Fetches a batch into the host's copy of the slot's inputs. False: there are no more.
bool StepLoop::stage(const Call& call, int64_t index, int slot, Flight* flight) {
  const Landmarks& program = call.program;
  const Clock::time_point asked = Clock::now();
  if (call.run.acquire != nullptr) {
    preresnet_cuda_batch batch{};
    preresnet_cuda_error error{};
    const int found =
        call.run.acquire(call.run.source, call.run.first_batch + static_cast<uint64_t>(index),
                         call.set == nullptr ? 1 : 0, &batch, &error);
    if (found < 0) throw Error(error.code, error.message);
    if (found == 0) return false;
    // The copy before it out of this memory was two steps ago.
    if (staged_[static_cast<size_t>(slot)]) runtime_.synchronize(copied_event(slot));
    std::byte* to = staging_.data() + input_bytes_ * static_cast<size_t>(slot);
    const auto take = [&](const Tensor& tensor, const void* from) {
      std::memcpy(to + tensor.offset, from, tensor.bytes);
    };
    if (call.set == nullptr) {
      take(*program.input->images, batch.images);
    } else {
      std::memcpy(indices_of(slot), batch.indices, images_of(program) * sizeof(int32_t));
    }
    if (program.loss) take(*program.loss->labels, batch.labels);
    if (program.input->crops != nullptr) take(*program.input->crops, batch.crops);
    if (program.mix != nullptr) take(*program.mix->mixes, batch.mixes);
    call.run.release(call.run.source, batch.ticket);
  }
  flight->started = Clock::now();
  flight->waited = seconds(flight->started - asked);
  return true;
}

/// The step that read the slot before is over: the host has its results.
void StepLoop::copy_batch(const Call& call, int slot) const {
  const PreparedProgram& program = call.program;
  const std::byte* from = staging_.data() + input_bytes_ * static_cast<size_t>(slot);
  const auto copy = [&](const Tensor& tensor) {
    runtime_.copy_to_device(kCopies, device_.address(tensor, slot), from + tensor.offset,
                            tensor.bytes);
  };
  if (call.set == nullptr) {
    copy(*program.input->images);
  } else {
    gather_batch(call, slot);
  }
  if (program.loss) copy(*program.loss->labels);
  if (program.input->crops != nullptr) copy(*program.input->crops);
  if (program.mix != nullptr) copy(*program.mix->mixes);
  runtime_.record(kCopies, copied_event(slot));
  // The wait behind those between operations, where tests count them.
  if (settings_.emulated().omit_wait == static_cast<int>(program.schedule().waits())) return;
  runtime_.wait(kMain, copied_event(slot));
}

/// The batch's images, out of the set on the device, to where they would have been copied to.
void StepLoop::gather_batch(const Call& call, int slot) const {
  const Landmarks& program = call.program;
  const Tensor& images = *program.input->images;
  const size_t count = images_of(program);
  std::byte* indices = device_.at(device_.plan().indices(slot));
  runtime_.copy_to_device(kCopies, indices, indices_of(slot), count * sizeof(int32_t));
  gather_images(runtime_, kCopies,
                {.set = call.set,
                 .indices = reinterpret_cast<const int32_t*>(indices),
                 .images = reinterpret_cast<uint8_t*>(device_.address(images, slot)),
                 .count = static_cast<int>(count),
                 .image_bytes = static_cast<int>(image_bytes_of(program))});
}

int32_t* StepLoop::indices_of(int slot) const {
  return reinterpret_cast<int32_t*>(indices_.data()) +
         device_.plan().most_images() * static_cast<size_t>(slot);
}

void StepLoop::enqueue(const Call& call, const Flight& flight, double learning_rate) {
  const auto slot = static_cast<size_t>(flight.slot);
  if (call.run.acquire != nullptr) {
    copy_batch(call, flight.slot);
    staged_[slot] = true;
  }
  // Read when the step runs, replayed or not. The slot's step before is over: the host has waited
  // for it, and the one step that may still be on the device is the other slot's.
  *values_[slot] = {.seed = call.run.seed, .step = flight.step, .learning_rate = learning_rate};
  const bool watched = call.trace != nullptr || call.run.poison != 0 || call.guarded_here;
  PreparedProgram::Enqueueing::Between between;
  if (watched) {
    between = [&](size_t operation, bool before) { watch(call, flight, operation, before); };
  }
  const GraphKey key{
      .slot = flight.slot, .keeps_buffers = keeps_buffers(call), .collects = call.run.collect != 0};
  replays_[&call.program].run(runtime_, key, settings_.eager || watched,
                              [&] { enqueue_step(call, flight.slot, between); });
  runtime_.record(kMain, done_event(flight.slot));
}

/// All of a step between the copy of its batch and the event of its end. What it copies lies at
/// addresses that depend on the slot alone, and which copies there are is part of a graph's key.
void StepLoop::enqueue_step(const Call& call, int slot,
                            const PreparedProgram::Enqueueing::Between& between) const {
  const MemoryPlan& plan = device_.plan();
  runtime_.copy_to_device(kMain, device_.at(plan.step_values()), values_[static_cast<size_t>(slot)],
                          sizeof(StepValues));
  if (keeps_buffers(call)) {
    runtime_.copy_on_device(kMain, device_.at(plan.kept_buffers(slot)),
                            device_.at(plan.arena("buffers")), plan.buffers_bytes());
  }
  if (call.trace != nullptr) runtime_.record(kMain, kTraceStartEvent);
  call.program.enqueue({.runtime = runtime_,
                        .context = [&](Stream stream) { return device_.context(stream, slot); },
                        .omit_wait = settings_.emulated().omit_wait,
                        .between = between});
  enqueue_results(call, slot);
}

bool StepLoop::keeps_buffers(const Call& call) const {
  return call.run.check_finite != 0 && call.program.loss && device_.plan().buffers_bytes() > 0;
}

void StepLoop::enqueue_results(const Call& call, int slot) const {
  const Results& results = results_[static_cast<size_t>(slot)];
  const auto fetch = [&](void* to, const Tensor* tensor) {
    if (tensor == nullptr) return;
    runtime_.copy_to_host(kMain, to, device_.address(*tensor, slot), tensor->bytes);
  };
  if (call.program.loss) {
    fetch(results.metrics, call.program.loss->metrics);
    if (call.run.collect != 0) {
      fetch(results.predictions, call.program.loss->predictions);
      fetch(results.labels, call.program.loss->labels);
    }
  }
  fetch(results.scaler, scaler_of(call.program));
}

/// Waits for the step that is on the device, if there is one, and hands its results over.
void StepLoop::finish(Call& call) {
  if (!flying_.has_value()) return;
  const Flight flight = *flying_;
  runtime_.synchronize(done_event(flight.slot));
  flying_.reset();
  const Clock::time_point now = Clock::now();
  const double ran = seconds(now - std::max(flight.started, call.last_done));
  call.last_done = now;
  if (call.trace != nullptr) append_trace(call);
  check(call, flight);

  const Results& results = results_[static_cast<size_t>(flight.slot)];
  double row[6] = {0, 0, 0, 0, flight.waited, ran};
  const std::optional<Loss>& loss = call.program.loss;
  if (loss) std::copy_n(results.metrics, 4, row);
  const bool collected = call.run.collect != 0 && loss;
  call.run.completed(call.run.owner, row,
                     collected && loss->predictions != nullptr ? results.predictions : nullptr,
                     collected ? results.labels : nullptr, collected ? loss->labels->dim(0) : 0);
}

void StepLoop::check(const Call& call, const Flight& flight) const {
  const Results& results = results_[static_cast<size_t>(flight.slot)];
  const Landmarks& program = call.program;
  if (scaler_of(program) != nullptr && program.loss && program.update->growth_interval > 0 &&
      !(results.scaler[0] >= kSmallestScale)) {
    throw Error("ERR_NOT_FINITE",
                "step " + std::to_string(flight.step) + ": the loss scale has fallen to " +
                    std::to_string(results.scaler[0]) + " after " +
                    std::to_string(static_cast<int64_t>(results.scaler[4])) +
                    " skipped steps; gradients overflow whatever it is, so the loss explodes");
  }
  if (call.run.check_finite == 0 || !program.loss) return;
  if (!std::isfinite(results.metrics[0])) {
    explain(call, flight, program.loss_index + 1, "the loss");
  }
  // With a loss scale that adapts an overflow is no error: the step was skipped.
  if (scaler_of(program) != nullptr && program.update->growth_interval == 0 &&
      results.scaler[3] != 0) {
    explain(call, flight, program.update_index, "a gradient");
  }
}

}  // namespace preresnet::cuda
