#include "cuda/session.h"

#include <algorithm>

#include "core/error.h"
#include "cuda/roofline.h"
#include "program/verify.h"

namespace preresnet::cuda {

namespace {

Type storage_type(const std::string& precision) {
  if (precision == "fp16") return Type::f16;
  if (precision == "bf16") return Type::bf16;
  return Type::f32;
}

}  // namespace

DeviceSession::DeviceSession(std::string_view programs, const Settings& settings,
                             const std::function<bool()>& stop)
    : settings_(settings), set_(read_programs(programs)) {
  if (set_->device != "cuda") {
    throw Error("ERR_DEVICE",
                "expected programs for device \"cuda\", got \"" + set_->device + "\"");
  }
  verify(*set_);
  runtime_ = make_runtime(settings);
  convolutions_ = make_convolutions(*runtime_);
  const Context context{.runtime = *runtime_,
                        .convolutions = *convolutions_,
                        .storage = storage_type(set_->precision),
                        .tf32 = set_->precision == "tf32",
                        .deterministic = settings.deterministic,
                        .workspace_limit = settings.workspace_limit};
  arithmetic_ = {.type = context.storage,
                 .tf32 = context.tf32,
                 .deterministic = context.deterministic,
                 .workspace_limit = context.workspace_limit};
  size_t workspaces[kComputeStreams] = {};
  for (const auto& [name, program] : set_->programs) {
    std::unique_ptr<PreparedProgram> prepared;
    try {
      prepared = std::make_unique<PreparedProgram>(program, context, stop);
    } catch (const Error& error) {
      if (!settings.partial || error.code() != "ERR_UNSUPPORTED") throw;
      refused_.emplace(name, error);
      continue;
    }
    for (int stream = 0; stream < kComputeStreams; ++stream) {
      workspaces[stream] = std::max(workspaces[stream], prepared->workspace_bytes(stream));
    }
    programs_[name] = std::move(prepared);
  }
  plan_ = std::make_unique<MemoryPlan>(*set_, workspaces);
  for (const auto& [name, prepared] : programs_) prepared->schedule(*plan_);
}

DeviceSession::~DeviceSession() = default;

preresnet_cuda_memory DeviceSession::memory() const {
  return {.size = sizeof(preresnet_cuda_memory),
          .arenas = plan_->arena_bytes(),
          .workspace = plan_->total() - plan_->arena_bytes(),
          .total = plan_->total(),
          .available = runtime_->available_bytes()};
}

void DeviceSession::allocate() {
  if (device_ != nullptr) {
    throw Error("ERR_INTERNAL", "expected one call of allocate, got a second one");
  }
  device_ = std::make_unique<Device>(*runtime_, *set_, *plan_);
  loop_ = std::make_unique<StepLoop>(*device_, *set_, settings_);
}

Device& DeviceSession::device() const {
  if (device_ == nullptr) {
    throw Error("ERR_INTERNAL", "expected allocate before this call, got none");
  }
  if (!failure_.empty()) throw Error("ERR_DEVICE", "the device failed before: " + failure_);
  return *device_;
}

const Tensor& DeviceSession::persistent(std::string_view name, size_t length) const {
  for (const Tensor& tensor : set_->tensors) {
    if (tensor.name != name || tensor.arena == kTransientArena) continue;
    if (tensor.bytes == length) return tensor;
    throw Error("ERR_PARAMETER", "tensor " + tensor.name + ": expected " +
                                     std::to_string(tensor.bytes) + " bytes, got " +
                                     std::to_string(length));
  }
  throw Error("ERR_PARAMETER",
              "no tensor named \"" + std::string(name) + "\" that keeps its contents");
}

void DeviceSession::read(std::string_view tensor, void* bytes, size_t length) const {
  device().read(persistent(tensor, length), 0, bytes);
}

void DeviceSession::write(std::string_view name, const void* bytes, size_t length) {
  const Tensor& tensor = persistent(name, length);
  device().write(tensor, bytes);
  if (tensor.arena == "parameters") stale_weights_ = true;
}

PreparedProgram& DeviceSession::program(std::string_view name) const {
  const auto entry = programs_.find(name);
  if (entry != programs_.end()) return *entry->second;
  const auto refusal = refused_.find(name);
  if (refusal != refused_.end()) throw refusal->second;
  throw Error("ERR_OPTION", "no program named \"" + std::string(name) + "\" was compiled");
}

/// The copies of the weights in the storage type, after somebody wrote the weights.
void DeviceSession::refresh_weights() {
  if (!stale_weights_) return;
  const auto refresh = programs_.find("refresh");
  if (refresh != programs_.end()) {
    refresh->second->enqueue({.runtime = *runtime_,
                              .context = [&](Stream stream) { return device_->context(stream, 0); },
                              .omit_wait = -1,
                              .between = {}});
  }
  stale_weights_ = false;
}

void DeviceSession::require_computing() const {
  if (!settings_.emulated().record_only) return;
  throw Error("ERR_UNSUPPORTED", "this session counts launches and computes nothing");
}

/// What fails in the device is remembered; after anything else it goes on.
template <class Work>
auto DeviceSession::watching_failures(Work&& work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.code() == "ERR_DEVICE") {
      failure_ = error.what();
    } else {
      device_->runtime().synchronize(kMain);
    }
    throw;
  }
}

void DeviceSession::run(preresnet_cuda_run& run) {
  device();
  PreparedProgram& prepared = program(run.program);
  require_computing();
  if (run.trace != 0) trace_.clear();
  watching_failures([&] {
    // Steps have the same slots.
    if (inferences_ != nullptr) inferences_->drain();
    refresh_weights();
    loop_->run(prepared, run, run.trace != 0 ? &trace_ : nullptr);
  });
  const auto index = std::distance(set_->programs.begin(), set_->programs.find(run.program));
  for (preresnet_cuda_event& event : trace_) event.program = static_cast<int32_t>(index);
}

const Tensor& DeviceSession::output(std::string_view name) const {
  for (const Tensor& tensor : set_->tensors) {
    if (tensor.name == name && tensor.arena == "outputs") return tensor;
  }
  throw Error("ERR_PARAMETER", "no output named \"" + std::string(name) + "\"");
}

void DeviceSession::begin_inference(const preresnet_cuda_inference& asked) {
  Device& checked = device();
  InferenceWork work{.program = program(asked.program),
                     .images = {asked.images, asked.images + asked.count},
                     .outputs = {}};
  require_computing();
  for (int64_t index = 0; index < asked.output_count; ++index) {
    work.outputs.push_back(&output(asked.outputs[index]));
  }
  watching_failures([&] {
    if (inferences_ == nullptr) {
      inferences_ = std::make_unique<InferenceLoop>(checked, *set_, settings_);
    }
    refresh_weights();
    inferences_->begin(work);
  });
}

bool DeviceSession::end_inference(bool wait, void* const* targets) {
  device();
  if (inferences_ == nullptr) throw Error("ERR_INTERNAL", "expected an inference, got none");
  return watching_failures([&] { return inferences_->end(wait, targets); });
}

preresnet_cuda_roofline DeviceSession::roofline() {
  require_computing();
  const Roofline found = measure_roofline(*runtime_, *convolutions_, arithmetic_);
  return {.size = sizeof(preresnet_cuda_roofline), .flops = found.flops, .bytes = found.bytes};
}

preresnet_cuda_bytes_moved DeviceSession::bytes_moved(std::string_view name) {
  const PreparedProgram& prepared = program(name);
  preresnet_cuda_bytes_moved bytes_moved{};
  bytes_moved.size = sizeof bytes_moved;
  bytes_moved.waits = static_cast<int64_t>(prepared.schedule().waits());
  const std::vector<ProgramOperation>& operations = prepared.program().operations;
  for (size_t index = 0; index < operations.size(); ++index) {
    bytes_moved.launches += prepared.operation(index).launches();
    bytes_moved.convolution_launches += prepared.operation(index).convolution_launches();
    for (const Operand& operand : operands_of(operations[index].operation)) {
      if (operand.contract->role != ops::Role::out) bytes_moved.bytes_read += operand.tensor->bytes;
      if (operand.contract->role != ops::Role::in)
        bytes_moved.bytes_written += operand.tensor->bytes;
    }
  }
  if (!settings_.emulated().record_only) return bytes_moved;
  // What the operations say is held against what they do.
  Device& recording = device();
  uint64_t before = 0;
  prepared.enqueue({.runtime = *runtime_,
                    .context = [&](Stream stream) { return recording.context(stream, 0); },
                    .omit_wait = -1,
                    .between =
                        [&](size_t index, bool begins) {
                          if (begins) {
                            before = runtime_->launches();
                            return;
                          }
                          const auto made = static_cast<int>(runtime_->launches() - before);
                          if (made == prepared.operation(index).launches()) return;
                          throw Error("ERR_INTERNAL",
                                      describe(index, operations[index]) + ": expected " +
                                          std::to_string(prepared.operation(index).launches()) +
                                          " launches, got " + std::to_string(made));
                        }});
  return bytes_moved;
}

}  // namespace preresnet::cuda
