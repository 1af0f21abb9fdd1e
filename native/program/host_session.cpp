#include "program/host_session.h"

#include "core/error.h"
#include "core/system.h"
#include "program/host_session_prepared.h"
#include "program/verify.h"

namespace preresnet {

namespace {

std::string megabytes(size_t bytes) {
  return std::to_string((bytes + (size_t{1} << 20) - 1) >> 20) + " MiB";
}

}  // namespace

HostSession::HostSession(std::unique_ptr<ProgramSet> programs, int threads,
                         const std::atomic<bool>& stop, std::shared_ptr<Communicator> ranks)
    : Session(std::move(programs)), ranks_(std::move(ranks)) {
  verify(set());
  check_ranks();
  executor_ = make_executor(set().device, threads, !trains(set()));
  for (const auto& [name, program] : set().programs) {
    auto prepared = std::make_unique<Prepared>(program);
    for (size_t index = 0; index < program.operations.size(); ++index) {
      const ProgramOperation& operation = program.operations[index];
      if (stop) throw Error("ERR_ABORTED", "the session was ended while it was prepared");
      try {
        prepared->operations.push_back(executor_->prepare(operation.operation));
      } catch (const Error& error) {
        throw Error(error.code(),
                    "program " + name + ": " + describe(index, operation) + ": " + error.what());
      }
    }
    programs_[name] = std::move(prepared);
  }
}

HostSession::~HostSession() = default;

void HostSession::check_ranks() const {
  const int64_t there = ranks_ == nullptr ? 1 : ranks_->ranks();
  for (const auto& [name, program] : set().programs) {
    const int64_t ranks = find_landmarks(program).ranks;
    if (ranks == 1 || ranks == there) continue;
    throw Error("ERR_OPTION", "program " + name + ": expected " + std::to_string(ranks) +
                                  " ranks, got " + std::to_string(there));
  }
}

/// Whether an arena has no memory of its own.
bool HostSession::shares(std::string_view arena) const {
  return arena == kGradientArena && set().gradients_at.has_value();
}

SessionMemory HostSession::memory() const {
  SessionMemory memory;
  for (const auto& [name, bytes] : set().arenas) {
    if (!shares(name)) memory.arenas += bytes;
  }
  memory.scratch = executor_->scratch_bytes();
  const auto buffers = set().arenas.find("buffers");
  if (buffers != set().arenas.end()) memory.scratch += buffers->second;
  memory.available = available_memory();
  return memory;
}

void HostSession::allocate() {
  if (allocated_) throw Error("ERR_INTERNAL", "expected one call of allocate, got a second one");
  const SessionMemory needed = memory();
  if (needed.total() > needed.available) {
    throw Error("ERR_MEMORY", "expected at most " + megabytes(needed.available) +
                                  " (what is available), got a program that needs " +
                                  megabytes(needed.total()) + " (" + megabytes(needed.arenas) +
                                  " in arenas, " + megabytes(needed.scratch) + " of scratch)");
  }
  // An inference is as fast without huge pages, and its first answer comes sooner.
  const bool huge_pages = trains(set());
  for (const auto& [name, bytes] : set().arenas) {
    if (!shares(name)) arenas_[name] = std::make_shared<Arena>(bytes, huge_pages);
  }
  for (Tensor& tensor : set().tensors) {
    const bool within = shares(tensor.arena);
    const auto& arena = arenas_.find(within ? kTransientArena : tensor.arena)->second;
    const size_t begin = within ? *set().gradients_at : 0;
    tensor.data = static_cast<std::byte*>(arena->data()) + begin + tensor.offset;
  }
  const auto buffers = set().arenas.find("buffers");
  if (buffers != set().arenas.end()) kept_buffers_.resize(buffers->second);
  executor_->allocate(huge_pages);
  allocated_ = true;
}

void HostSession::require_memory() const {
  if (!allocated_) throw Error("ERR_INTERNAL", "expected allocate before this call, got none");
}

/// Gradients that share memory with activations are there from a training step to the next run.
void HostSession::require_contents(const Tensor& tensor) const {
  if (!shares(tensor.arena) || holds_gradients_) return;
  throw Error("ERR_PARAMETER",
              "tensor " + tensor.name +
                  ": expected a completed training step as the last run, whose gradients are in "
                  "memory until the next run, got none, or one that failed, was canceled or did "
                  "not train");
}

Values HostSession::read(std::string_view name) {
  require_memory();
  const Tensor& tensor = persistent(name);
  require_contents(tensor);
  return read_values(tensor);
}

void HostSession::read_floats(std::string_view name, std::span<float> target) {
  require_memory();
  const Tensor& tensor = persistent(name);
  require_contents(tensor);
  preresnet::read_floats(tensor, target);
}

template <class Write>
void HostSession::write_by(std::string_view name, Write&& into) {
  require_memory();
  const Tensor& tensor = persistent(name);
  require_contents(tensor);
  into(tensor);
  // Images, labels and feature maps are no weights: a batch leaves these as they are.
  const bool weights =
      tensor.layout == Layout::plain && (tensor.dtype == DType::f32 || tensor.dtype == DType::f64);
  if (weights) ++weights_version_;
}

void HostSession::write(std::string_view name, const Values& values) {
  write_by(name, [&](const Tensor& tensor) { write_values(tensor, values); });
}

void HostSession::write_floats(std::string_view name, std::span<const float> values) {
  write_by(name, [&](const Tensor& tensor) { preresnet::write_floats(tensor, values); });
}

const Tensor& HostSession::viewable(std::string_view name) {
  require_memory();
  const Tensor& tensor = persistent(name);
  // A buffer spans its arena, and this one holds indices that are looked at once, before a step.
  if (tensor.arena == "inputs") {
    throw Error("ERR_PARAMETER", "tensor " + tensor.name + ": inputs are written, not viewed");
  }
  if (tensor.layout != Layout::plain ||
      (tensor.dtype != DType::f32 && tensor.dtype != DType::f64)) {
    throw Error("ERR_PARAMETER", "tensor " + tensor.name +
                                     ": expected a plain f32 or f64 tensor, got " +
                                     name_of(tensor.layout) + " " + name_of(tensor.dtype));
  }
  require_contents(tensor);
  viewed_ = true;
  return tensor;
}

std::shared_ptr<Arena> HostSession::arena(std::string_view name) const {
  require_memory();
  return shares(name) ? nullptr : arenas_.find(name)->second;
}

void HostSession::share(std::string_view name) {
  require_memory();
  const auto found = arenas_.find(name);
  if (ranks_ == nullptr || found == arenas_.end()) return Session::share(name);
  ranks_->broadcast(found->second->data(), found->second->bytes());
  ++weights_version_;
}

}  // namespace preresnet
