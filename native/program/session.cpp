#include "program/session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/system.h"
#include "program/finite.h"
#include "program/verify.h"

namespace preresnet {

namespace {

constexpr size_t kNone = static_cast<size_t>(-1);
constexpr size_t kLargestTrace = 1'000'000;  // events; a trace is for a few steps

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

std::string megabytes(size_t bytes) {
  return std::to_string((bytes + (size_t{1} << 20) - 1) >> 20) + " MiB";
}

}  // namespace

/// A program with its operations prepared, and what of it a run has to find quickly.
struct Session::Prepared {
  const Program* program = nullptr;
  std::vector<std::unique_ptr<Operation>> operations;
  std::vector<std::vector<const Tensor*>> dying;  // transient tensors whose last use is operation i

  const ops::Input* input = nullptr;
  const ops::SoftmaxCrossEntropy* loss = nullptr;
  size_t loss_index = kNone;
  size_t update_index = kNone;  // of the first operation that changes parameters
  const ops::Sgd* sgd = nullptr;

  explicit Prepared(const Program& source) : program(&source), dying(source.operations.size()) {
    for (size_t index = 0; index < source.operations.size(); ++index) {
      const ProgramOperation& operation = source.operations[index];
      if (const auto* found = std::get_if<ops::Input>(&operation.operation)) input = found;
      if (const auto* found = std::get_if<ops::SoftmaxCrossEntropy>(&operation.operation)) {
        loss = found;
        loss_index = index;
      }
      if (const auto* found = std::get_if<ops::Sgd>(&operation.operation)) {
        sgd = found;
        update_index = std::min(update_index, index);
      }
    }
    for (const Lifetime& lifetime : lifetimes(source)) {
      dying[lifetime.last].push_back(lifetime.tensor);
    }
  }
};

Session::Session(std::string_view programs, int threads, const std::atomic<bool>& stop)
    : set_(read_programs(programs)) {
  verify(*set_);
  executor_ = make_executor(set_->device, threads);
  for (const auto& [name, program] : set_->programs) {
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
  for (const Tensor& tensor : set_->tensors) {
    if (tensor.arena != kTransientArena) persistent_[tensor.name] = &tensor;
  }
}

Session::~Session() = default;

SessionMemory Session::memory() const {
  SessionMemory memory;
  for (const auto& [name, bytes] : set_->arenas) memory.arenas += bytes;
  memory.scratch = executor_->scratch_bytes();
  const auto buffers = set_->arenas.find("buffers");
  if (buffers != set_->arenas.end()) memory.scratch += buffers->second;
  return memory;
}

void Session::allocate() {
  if (allocated_) throw Error("ERR_INTERNAL", "expected one call of allocate, got a second one");
  const SessionMemory needed = memory();
  const size_t available = available_memory();
  if (needed.total() > available) {
    throw Error("ERR_MEMORY", "expected at most " + megabytes(available) +
                                  " (what is available), got a program that needs " +
                                  megabytes(needed.total()) + " (" + megabytes(needed.arenas) +
                                  " in arenas, " + megabytes(needed.scratch) + " of scratch)");
  }
  for (const auto& [name, bytes] : set_->arenas) arenas_[name] = std::make_shared<Arena>(bytes);
  for (Tensor& tensor : set_->tensors) {
    tensor.data = static_cast<std::byte*>(arenas_.at(tensor.arena)->data()) + tensor.offset;
  }
  const auto buffers = set_->arenas.find("buffers");
  if (buffers != set_->arenas.end()) kept_buffers_.resize(buffers->second);
  executor_->allocate();
  allocated_ = true;
}

void Session::require_memory() const {
  if (!allocated_) throw Error("ERR_INTERNAL", "expected allocate before this call, got none");
}

const Tensor& Session::persistent(std::string_view name) const {
  const auto entry = persistent_.find(name);
  if (entry != persistent_.end()) return *entry->second;
  for (const Tensor& tensor : set_->tensors) {
    if (tensor.name == name) {
      throw Error("ERR_PARAMETER", "expected a tensor that keeps its contents, got " + tensor.name +
                                       " of arena " + tensor.arena);
    }
  }
  throw Error("ERR_PARAMETER", "no tensor named \"" + std::string(name) + "\"");
}

Values Session::read(std::string_view tensor) const {
  require_memory();
  return read_values(persistent(tensor));
}

void Session::write(std::string_view name, const Values& values) {
  require_memory();
  const Tensor& tensor = persistent(name);
  write_values(tensor, values);
  // Images, labels and feature maps are no weights: a batch leaves these as they are.
  const bool weights =
      tensor.layout == Layout::plain && (tensor.dtype == DType::f32 || tensor.dtype == DType::f64);
  if (weights) ++weights_version_;
}

const Tensor& Session::viewable(std::string_view name) {
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
  viewed_ = true;
  return tensor;
}

std::shared_ptr<Arena> Session::arena(std::string_view name) const {
  require_memory();
  return arenas_.find(name)->second;
}

void Session::keep_buffers() {
  if (!kept_buffers_.empty()) {
    std::memcpy(kept_buffers_.data(), arenas_.at("buffers")->data(), kept_buffers_.size());
  }
}

void Session::restore_buffers() {
  if (!kept_buffers_.empty()) {
    std::memcpy(arenas_.at("buffers")->data(), kept_buffers_.data(), kept_buffers_.size());
  }
}

void Session::take_batch(Prepared& program, const Batch& batch) const {
  const Tensor& images = *program.input->images;
  std::memcpy(images.data, batch.images, images.bytes);
  if (program.loss != nullptr) {
    std::memcpy(program.loss->labels->data, batch.labels, program.loss->labels->bytes);
  }
  if (program.input->placement != nullptr) {
    if (batch.placement == nullptr) {
      throw Error("ERR_OPTION", "loader: expected placements for program " + program.program->name +
                                    ", got none");
    }
    std::memcpy(program.input->placement->data, batch.placement, program.input->placement->bytes);
  }
}

/// Indices among the inputs: the verifier cannot know them, so they are looked at before each step.
void Session::check_inputs(const Prepared& program) const {
  if (program.loss != nullptr) {
    const Tensor& labels = *program.loss->labels;
    const int64_t classes = program.loss->logits->dim(1);
    for (int64_t index = 0; index < labels.dim(0); ++index) {
      const int32_t label = labels.as<const int32_t>()[index];
      if (label < -1 || label >= classes) {
        throw Error("ERR_DATASET", "label of image " + std::to_string(index) + ": expected -1 to " +
                                       std::to_string(classes - 1) + ", got " +
                                       std::to_string(label));
      }
    }
  }
  if (program.input != nullptr && program.input->placement != nullptr) {
    const ops::Input& input = *program.input;
    const int64_t limits[3] = {input.images->dim(1) + 2 * input.pad - input.x->dim(2),
                               input.images->dim(2) + 2 * input.pad - input.x->dim(3), 1};
    const auto* values = input.placement->as<const int32_t>();
    for (int64_t index = 0; index < 3 * input.placement->dim(0); ++index) {
      if (values[index] < 0 || values[index] > limits[index % 3]) {
        throw Error("ERR_DATASET", "placement of image " + std::to_string(index / 3) +
                                       ": expected 0 to " + std::to_string(limits[index % 3]) +
                                       ", got " + std::to_string(values[index]));
      }
    }
  }
}

/// One step. False: cancelled, and nothing that lasts was changed.
bool Session::step(Prepared& program, const RunRequest& request, Step step, bool traced) {
  keep_buffers();
  const Clock::time_point begin = traced ? Clock::now() : Clock::time_point{};
  const double offset = trace_.empty() ? 0 : trace_.back().start + trace_.back().duration;
  if (request.poison) {
    const auto& arena = arenas_.find(kTransientArena);
    if (arena != arenas_.end()) std::memset(arena->second->data(), 0xff, arena->second->bytes());
  }
  for (size_t index = 0; index < program.operations.size(); ++index) {
    if (index < program.update_index && cancellations_ != request.ticket) {
      restore_buffers();
      return false;
    }
    if (request.check_finite && index == program.update_index &&
        !all_finite(*program.sgd->gradients)) {
      explain_not_finite(program, step, index, "a gradient");
    }
    const Clock::time_point start = traced ? Clock::now() : Clock::time_point{};
    try {
      program.operations[index]->run(step);
    } catch (...) {
      restore_buffers();
      throw;
    }
    if (traced && trace_.size() < kLargestTrace) {
      trace_.push_back({&program.program->operations[index], offset + seconds(begin, start) * 1e6,
                        seconds(start, Clock::now()) * 1e6});
    }
    if (request.check_finite && index == program.loss_index) {
      const Tensor& metrics = *program.loss->metrics;
      const double loss = metrics.dtype == DType::f64 ? metrics.as<double>()[0]
                                                      : static_cast<double>(metrics.as<float>()[0]);
      if (!std::isfinite(loss)) explain_not_finite(program, step, index + 1, "the loss");
    }
    if (request.poison) {
      for (const Tensor* tensor : program.dying[index]) {
        std::memset(tensor->data, 0xff, tensor->bytes);
      }
    }
  }
  return true;
}

/// Runs the operations before `until` again on the same inputs and names the first that made
/// something that is not a number.
void Session::explain_not_finite(Prepared& program, const Step& step, size_t until,
                                 const std::string& what) {
  restore_buffers();
  const std::string head = "step " + std::to_string(step.index) + ": " + what + " is not finite; ";
  std::string found = "no operation before it made such a value";
  const auto look = [&] {
    for (size_t index = 0; index < until; ++index) {
      const ProgramOperation& operation = program.program->operations[index];
      const std::vector<Operand> operands = operands_of(operation.operation);
      for (const Operand& operand : operands) {
        if (operand.contract->role != ops::Role::out && !all_finite(*operand.tensor)) {
          found = "first seen in " + describe(index, operation) + ", whose " +
                  operand.contract->name + " (" + operand.tensor->name +
                  ") was not finite before it ran";
          return;
        }
      }
      program.operations[index]->run(step);
      for (const Operand& operand : operands) {
        if (operand.contract->role != ops::Role::in && !all_finite(*operand.tensor)) {
          found = "first made by " + describe(index, operation) + " in " + operand.contract->name +
                  " (" + operand.tensor->name + ")";
          return;
        }
      }
    }
  };
  look();
  restore_buffers();
  throw Error("ERR_NOT_FINITE", head + found);
}

std::vector<TraceEvent> Session::trace() const {
  const std::lock_guard lock(trace_mutex_);
  return finished_trace_;
}

RunOutcome Session::run(std::string_view name, const RunRequest& request) {
  require_memory();
  const auto entry = programs_.find(name);
  if (entry == programs_.end()) {
    throw Error("ERR_OPTION", "no program named \"" + std::string(name) + "\" was compiled");
  }
  Prepared& program = *entry->second;
  if (program.sgd != nullptr &&
      request.learning_rates.size() != static_cast<size_t>(request.steps)) {
    throw Error("ERR_OPTION", "learningRates: expected one a step (" +
                                  std::to_string(request.steps) + "), got " +
                                  std::to_string(request.learning_rates.size()));
  }
  if (request.source != nullptr) {
    if (program.input == nullptr) {
      throw Error("ERR_OPTION",
                  "loader: expected a program that takes images, got " + std::string(name));
    }
    const Tensor& images = *program.input->images;
    const int64_t image_bytes = static_cast<int64_t>(images.bytes) / images.dim(0);
    if (request.source->batch_size() != images.dim(0) ||
        request.source->image_bytes() != image_bytes) {
      throw Error("ERR_OPTION", "loader: expected batches of " + std::to_string(images.dim(0)) +
                                    " images of " + std::to_string(image_bytes) + " bytes, got " +
                                    std::to_string(request.source->batch_size()) + " of " +
                                    std::to_string(request.source->image_bytes()));
    }
  }
  // Through a view parameters change without anybody being told.
  if (viewed_) ++weights_version_;
  if (request.trace) trace_.clear();

  RunOutcome outcome;
  outcome.rows.reserve(static_cast<size_t>(request.steps) * 6);
  for (int64_t index = 0; index < request.steps; ++index) {
    if (cancellations_ != request.ticket) {
      outcome.cancelled = true;
      break;
    }
    const Clock::time_point asked = Clock::now();
    if (request.source != nullptr) {
      Batch batch;
      if (!request.source->acquire(request.first_batch + static_cast<uint64_t>(index), &batch))
        break;
      try {
        take_batch(program, batch);
      } catch (...) {
        request.source->release(batch.ticket);
        throw;
      }
      request.source->release(batch.ticket);
    }
    const Clock::time_point started = Clock::now();
    check_inputs(program);
    Step now;
    now.seed = request.seed;
    now.index = request.first_step + static_cast<uint64_t>(index);
    now.learning_rate =
        request.learning_rates.empty() ? 0 : request.learning_rates[static_cast<size_t>(index)];
    now.weights_version = weights_version_;
    if (!step(program, request, now, request.trace)) {
      outcome.cancelled = true;
      break;
    }
    if (program.sgd != nullptr) ++weights_version_;

    for (size_t metric = 0; metric < 4; ++metric) {
      const Tensor* metrics = program.loss == nullptr ? nullptr : program.loss->metrics;
      outcome.rows.push_back(metrics == nullptr ? 0
                             : metrics->dtype == DType::f64
                                 ? metrics->as<double>()[metric]
                                 : static_cast<double>(metrics->as<float>()[metric]));
    }
    outcome.rows.push_back(seconds(asked, started));
    outcome.rows.push_back(seconds(started, Clock::now()));
    ++outcome.completed;
    if (request.collect && program.loss != nullptr) {
      const auto collect = [](const Tensor* tensor, std::vector<int32_t>* values) {
        if (tensor == nullptr) return;
        const auto* first = tensor->as<const int32_t>();
        values->insert(values->end(), first, first + element_count(*tensor));
      };
      collect(program.loss->predictions, &outcome.predictions);
      collect(program.loss->labels, &outcome.labels);
    }
  }
  if (request.trace) {
    const std::lock_guard lock(trace_mutex_);
    finished_trace_ = std::move(trace_);
    trace_.clear();
  }
  return outcome;
}

}  // namespace preresnet
