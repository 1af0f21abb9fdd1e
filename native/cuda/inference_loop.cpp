#include "cuda/inference_loop.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "cuda/events.h"

namespace preresnet::cuda {

static_assert(kSlots == PRERESNET_CUDA_INFERENCES);

namespace {

size_t largest_batch(const ProgramSet& set) {
  size_t bytes = 0;
  for (const auto& [name, program] : set.programs) {
    const Landmarks found = find_landmarks(program);
    if (answers(found)) bytes = std::max(bytes, found.input->images->bytes);
  }
  return bytes;
}

/// Where each output lies behind the first one, on the device and on the host.
template <class Visit>
void for_each_output(const std::vector<const Tensor*>& outputs, Visit&& visit) {
  size_t at = 0;
  for (const Tensor* tensor : outputs) {
    visit(*tensor, at);
    at += MemoryPlan::answer_bytes(*tensor);
  }
}

size_t bytes_of(const std::vector<const Tensor*>& outputs) {
  size_t bytes = 0;
  for_each_output(outputs, [&](const Tensor& tensor, size_t at) { bytes = at + tensor.bytes; });
  return bytes;
}

}  // namespace

InferenceLoop::InferenceLoop(const Device& device, const ProgramSet& set, const Settings& settings)
    : device_(device),
      runtime_(device.runtime()),
      settings_(settings),
      image_bytes_(largest_batch(set)),
      pixels_(runtime_, image_bytes_ * kSlots),
      results_(runtime_, device.plan().answers_bytes() * kSlots) {}

InferenceLoop::~InferenceLoop() { device_.abandon(); }

void InferenceLoop::drain() {
  for (const Stream stream : {kCopies, kMain, kResults}) runtime_.synchronize(stream);
}

void InferenceLoop::begin(const InferenceWork& work) {
  if (flights_.size() == kSlots) {
    throw Error("ERR_INTERNAL", "expected at most " + std::to_string(kSlots) +
                                    " inferences under way, got one more");
  }
  if (bytes_of(work.outputs) > device_.plan().answers_bytes()) {
    throw Error("ERR_INTERNAL", "expected outputs of one program, each once, got more");
  }
  const auto slot = static_cast<int>(turn_ % kSlots);
  try {
    enqueue(work, slot);
  } catch (...) {
    // Those under way are over then too; `end` gives their results.
    device_.abandon();
    throw;
  }
  ++turn_;
  flights_.push_back({slot, work.outputs});
}

/// The inference that had the slot before is over: its results are on the host.
void InferenceLoop::enqueue(const InferenceWork& work, int slot) {
  const Tensor& images = *work.program.input->images;
  const size_t bytes = images.bytes / static_cast<size_t>(images.dim(0));
  std::byte* pixels = pixels_.data() + image_bytes_ * static_cast<size_t>(slot);
  for (size_t image = 0; image < work.images.size(); ++image) {
    std::memcpy(pixels + image * bytes, work.images[image], bytes);
  }
  // Behind them in the batch there is what was there before; nobody reads what comes of that.
  runtime_.copy_to_device(kCopies, device_.address(images, slot), pixels,
                          bytes * work.images.size());
  runtime_.record(kCopies, copied_event(slot));
  if (!omits(work.program, 0)) runtime_.wait(kMain, copied_event(slot));

  replays_[&work.program].run(runtime_, {slot, work.outputs}, settings_.eager,
                              [&] { compute(work, slot); });
  runtime_.record(kMain, computed_event(slot));

  // On a stream of its own: neither the next inference nor its pixels wait for it.
  if (!omits(work.program, 1)) runtime_.wait(kResults, computed_event(slot));
  const MemoryPlan& plan = device_.plan();
  runtime_.copy_to_host(kResults,
                        results_.data() + plan.answers_bytes() * static_cast<size_t>(slot),
                        device_.at(plan.answers(slot)), bytes_of(work.outputs));
  runtime_.record(kResults, done_event(slot));
}

/// The outputs go to the slot's own memory: the next inference overwrites them where they are made.
void InferenceLoop::compute(const InferenceWork& work, int slot) const {
  work.program.enqueue({.runtime = runtime_,
                        .context = [&](Stream stream) { return device_.context(stream, slot); },
                        .omit_wait = settings_.emulated().omit_wait,
                        .between = {}});
  std::byte* answers = device_.at(device_.plan().answers(slot));
  for_each_output(work.outputs, [&](const Tensor& tensor, size_t at) {
    runtime_.copy_on_device(kMain, answers + at, device_.address(tensor, slot), tensor.bytes);
  });
}

/// Behind the waits between operations, where tests count them: that for pixels, that for results.
bool InferenceLoop::omits(const PreparedProgram& program, size_t wait) const {
  return settings_.emulated().omit_wait == static_cast<int>(program.schedule().waits() + wait);
}

bool InferenceLoop::end(bool wait, void* const* targets) {
  if (flights_.empty()) {
    throw Error("ERR_INTERNAL", "expected an inference that is under way, got none");
  }
  const Event done = done_event(flights_.front().slot);
  try {
    if (wait) {
      runtime_.synchronize(done);
    } else if (!runtime_.reached(done)) {
      return false;
    }
  } catch (...) {
    flights_.pop_front();
    throw;
  }
  const Flight flight = std::move(flights_.front());
  flights_.pop_front();
  const std::byte* results =
      results_.data() + device_.plan().answers_bytes() * static_cast<size_t>(flight.slot);
  for_each_output(flight.outputs, [&](const Tensor& tensor, size_t at) {
    std::memcpy(*targets++, results + at, tensor.bytes);
  });
  return true;
}

}  // namespace preresnet::cuda
