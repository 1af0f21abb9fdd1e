#include "program/host_session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/system.h"
#include "program/finite.h"
#include "program/landmarks.h"
#include "program/lifetimes.h"
#include "program/not_finite.h"
#include "program/verify.h"

namespace preresnet {

namespace {

constexpr size_t kLargestTrace = 1'000'000;  // events; a trace is for a few steps

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

std::string megabytes(size_t bytes) {
  return std::to_string((bytes + (size_t{1} << 20) - 1) >> 20) + " MiB";
}

}  // namespace

/// A program with its operations prepared.
struct HostSession::Prepared : Landmarks {
  const Program* program = nullptr;
  std::vector<std::unique_ptr<Operation>> operations;
  std::vector<std::vector<const Tensor*>> dying;  // transient tensors whose last use is operation i
  bool writes_gradients;

  explicit Prepared(const Program& source)
      : Landmarks(find_landmarks(source)),
        program(&source),
        dying(source.operations.size()),
        writes_gradients(!gradient_lifetimes(source).empty()) {
    for (const Lifetime& lifetime : lifetimes(source)) {
      dying[lifetime.last].push_back(lifetime.tensor);
    }
  }
};

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
    const ops::AllReduce* all_reduce = find_landmarks(program).all_reduce;
    if (all_reduce == nullptr || all_reduce->ranks == there) continue;
    throw Error("ERR_OPTION", "program " + name + ": expected " +
                                  std::to_string(all_reduce->ranks) + " ranks, got " +
                                  std::to_string(there));
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
  for (const auto& [name, bytes] : set().arenas) {
    if (!shares(name)) arenas_[name] = std::make_shared<Arena>(bytes);
  }
  for (Tensor& tensor : set().tensors) {
    const bool within = shares(tensor.arena);
    const auto& arena = arenas_.find(within ? kTransientArena : tensor.arena)->second;
    const size_t begin = within ? *set().gradients_at : 0;
    tensor.data = static_cast<std::byte*>(arena->data()) + begin + tensor.offset;
  }
  const auto buffers = set().arenas.find("buffers");
  if (buffers != set().arenas.end()) kept_buffers_.resize(buffers->second);
  executor_->allocate();
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

void HostSession::write(std::string_view name, const Values& values) {
  require_memory();
  const Tensor& tensor = persistent(name);
  require_contents(tensor);
  write_values(tensor, values);
  // Images, labels and feature maps are no weights: a batch leaves these as they are.
  const bool weights =
      tensor.layout == Layout::plain && (tensor.dtype == DType::f32 || tensor.dtype == DType::f64);
  if (weights) ++weights_version_;
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

void HostSession::keep_buffers() {
  if (!kept_buffers_.empty()) {
    std::memcpy(kept_buffers_.data(), arenas_.at("buffers")->data(), kept_buffers_.size());
  }
}

void HostSession::restore_buffers() {
  if (!kept_buffers_.empty()) {
    std::memcpy(arenas_.at("buffers")->data(), kept_buffers_.data(), kept_buffers_.size());
  }
}

void HostSession::take_batch(Prepared& program, const Batch& batch) const {
  const Tensor& images = *program.input->images;
  std::memcpy(images.data, batch.images, images.bytes);
  if (program.loss) {
    std::memcpy(program.loss->labels->data, batch.labels, program.loss->labels->bytes);
  }
  if (program.input->crops != nullptr) {
    if (batch.crops == nullptr) {
      throw Error("ERR_OPTION", "loader: expected placements for program " + program.program->name +
                                    ", got none");
    }
    std::memcpy(program.input->crops->data, batch.crops, program.input->crops->bytes);
  }
}

void HostSession::check_inputs(const Prepared& program) const {
  const Tensor* labels = !program.loss ? nullptr : program.loss->labels;
  const Tensor* crops = program.input == nullptr ? nullptr : program.input->crops;
  check_indices(program, labels == nullptr ? nullptr : labels->as<const int32_t>(),
                crops == nullptr ? nullptr : crops->as<const int32_t>());
}

/// Only of what is updated: between gradients that share memory there may be anything.
bool HostSession::gradients_finite(const Update& update) {
  // Launches of a GPU on the reference: segments go over two arenas, which share no memory.
  if (update.weight_gradients != nullptr) {
    return all_finite(*update.weight_gradients) && all_finite(*update.gradients);
  }
  std::atomic<bool> finite{true};
  executor_->share_out(static_cast<int64_t>(update.offsets.size()), [&](int64_t segment) {
    const auto at = static_cast<size_t>(segment);
    if (!all_finite(*update.gradients, update.offsets[at], update.lengths[at])) finite = false;
  });
  return finite;
}

/// Of the run going on, where it is traced.
struct HostSession::Clocks {
  bool traced;
  Clock::time_point begin;
  double offset;  // microseconds, at the begin
};

/// One step. False: canceled, and nothing that lasts was changed.
bool HostSession::step(Prepared& program, const RunRequest& request, Step step, bool traced) {
  keep_buffers();
  holds_gradients_ = false;
  const Clocks clocks{traced, traced ? Clock::now() : Clock::time_point{},
                      trace_.empty() ? 0 : trace_.back().start + trace_.back().duration};
  if (request.poison) {
    const auto& arena = arenas_.find(kTransientArena);
    if (arena != arenas_.end()) std::memset(arena->second->data(), 0xff, arena->second->bytes());
    for (const Tensor* result : results_of(*program.program)) {
      std::memset(result->data, 0xff, result->bytes);
    }
  }
  const int64_t last = accumulations_of(program) - 1;
  for (; step.accumulation < last; ++step.accumulation) {
    if (!run_operations(program, request, step, program.accumulate_index + 1, clocks)) return false;
  }
  if (!run_operations(program, request, step, program.operations.size(), clocks)) return false;
  holds_gradients_ = program.writes_gradients;
  return true;
}

/// Those before `end`. False as above.
bool HostSession::run_operations(Prepared& program, const RunRequest& request, const Step& step,
                                 size_t end, const Clocks& clocks) {
  for (size_t index = 0; index < end; ++index) {
    // Ranks end together, between two steps: in the midst of one the others would wait.
    if (step.ranks == nullptr && index < program.update_index && ticket() != request.ticket) {
      restore_buffers();
      return false;
    }
    if (request.check_finite) check_gradients(program, step, index);
    const Clock::time_point start = clocks.traced ? Clock::now() : Clock::time_point{};
    try {
      program.operations[index]->run(step);
    } catch (...) {
      restore_buffers();
      throw;
    }
    if (clocks.traced && trace_.size() < kLargestTrace) {
      trace_.push_back({&program.program->operations[index],
                        clocks.offset + seconds(clocks.begin, start) * 1e6,
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

/// Before operation `index`, where that ends an accumulation, begins the reduction over ranks or
/// begins the update: throws ERR_NOT_FINITE where the gradients so far are not finite.
void HostSession::check_gradients(Prepared& program, const Step& step, size_t index) {
  if (!program.update) return;
  const size_t sums[] = {program.accumulate_index, program.all_reduce_index};
  if (index != program.update_index &&
      std::find(std::begin(sums), std::end(sums), index) == std::end(sums))
    return;
  if (gradients_finite(*program.update)) return;
  size_t summed = Landmarks::kNone;  // the last operation before this one that adds gradients
  for (const size_t sum : sums) {
    if (sum < index) summed = sum;
  }
  if (summed == Landmarks::kNone) explain_not_finite(program, step, index, "a gradient");
  restore_buffers();
  throw Error("ERR_NOT_FINITE",
              "step " + std::to_string(step.index) + ": a gradient is not finite; first made by " +
                  describe(summed, program.program->operations[summed]) + " of finite ones");
}

/// Names the first operation that made something that is not a number.
void HostSession::explain_not_finite(Prepared& program, const Step& step, size_t until,
                                     const std::string& what) {
  restore_buffers();
  const std::string found = first_not_finite(
      *program.program, until, [&](size_t index) { program.operations[index]->run(step); },
      [](const Tensor& tensor) { return all_finite(tensor); });
  restore_buffers();
  throw Error("ERR_NOT_FINITE",
              "step " + std::to_string(step.index) + ": " + what + " is not finite; " + found);
}

std::vector<TraceEvent> HostSession::trace() const {
  const std::lock_guard lock(trace_mutex_);
  return finished_trace_;
}

RunOutcome HostSession::run(std::string_view name, const RunRequest& request) {
  require_memory();
  Prepared& program = *programs_.at(program_for(name, request).name);
  if (program.all_reduce == nullptr) return run_steps(program, request);
  try {
    return run_steps(program, request);
  } catch (const Error& error) {
    ranks_->fail(error.what());
    throw;
  }
}

/// False: there is no batch any more.
bool HostSession::take_next(Prepared& program, const RunRequest& request, int64_t index) {
  if (request.source == nullptr) return true;
  Batch batch;
  if (!request.source->acquire(request.first_batch + static_cast<uint64_t>(index), true, &batch))
    return false;
  try {
    take_batch(program, batch);
  } catch (...) {
    request.source->release(batch.ticket);
    throw;
  }
  request.source->release(batch.ticket);
  return true;
}

/// Before a step of several ranks: whether all go on with the same one, and how many samples count.
bool HostSession::agree(const Prepared& program, bool ends, Step& step) const {
  struct Word {
    uint64_t step;
    int64_t counted, ends;
  };
  const Tensor* labels = program.loss ? program.loss->labels : nullptr;
  const int64_t images = labels == nullptr ? 0 : labels->dim(0);
  const auto* values = labels == nullptr ? nullptr : labels->as<const int32_t>();
  const Word own{step.index, images - std::count(values, values + images, -1), ends ? 1 : 0};
  std::vector<Word> all(static_cast<size_t>(ranks_->ranks()));
  ranks_->all_gather(&own, all.data(), sizeof own);
  step.ranks = ranks_.get();
  step.position = ranks_->rank() * images;
  step.counted = 0;
  bool together = true;
  for (const Word& word : all) {
    if (word.step != all[0].step) {
      throw Error("ERR_RANK", "expected all ranks at step " + std::to_string(all[0].step) +
                                  " of rank 0, got one at step " + std::to_string(word.step));
    }
    step.counted += word.counted;
    together = together && word.ends == 0;
  }
  return together;
}

RunOutcome HostSession::run_steps(Prepared& program, const RunRequest& request) {
  // Through a view parameters change without anybody being told.
  if (viewed_) ++weights_version_;
  if (request.trace) trace_.clear();

  RunOutcome outcome;
  outcome.rows.reserve(static_cast<size_t>(request.steps) * 6);
  for (int64_t index = 0; index < request.steps; ++index) {
    const bool alone = program.all_reduce == nullptr;
    const bool canceled = ticket() != request.ticket;
    const Clock::time_point asked = Clock::now();
    const bool taken = !canceled && take_next(program, request, index);
    if (alone && (canceled || !taken)) {
      outcome.canceled = canceled;
      break;
    }
    const Clock::time_point started = Clock::now();
    check_inputs(program);
    Step now;
    now.seed = request.seed;
    now.index = request.first_step + static_cast<uint64_t>(index);
    now.learning_rate =
        request.learning_rates.empty() ? 0 : request.learning_rates[static_cast<size_t>(index)];
    now.weights_version = weights_version_;
    if (request.images > 0) now.images = request.images;
    if (!alone && !agree(program, !taken, now)) {
      outcome.canceled = true;
      break;
    }
    if (!step(program, request, now, request.trace)) {
      outcome.canceled = true;
      break;
    }
    if (program.update) ++weights_version_;

    for (size_t metric = 0; metric < 4; ++metric) {
      const Tensor* metrics = !program.loss ? nullptr : program.loss->metrics;
      outcome.rows.push_back(metrics == nullptr ? 0
                             : metrics->dtype == DType::f64
                                 ? metrics->as<double>()[metric]
                                 : static_cast<double>(metrics->as<float>()[metric]));
    }
    outcome.rows.push_back(seconds(asked, started));
    outcome.rows.push_back(seconds(started, Clock::now()));
    ++outcome.completed;
    if (request.collect && program.loss) {
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

/// All of it: the host that would go on meanwhile is the one that computes.
void HostSession::begin_inference(const Inference& inference) {
  require_memory();
  const Tensor& images = images_for(inference);
  std::byte* to = images.as<std::byte>();
  for (const auto& image : inference.images) {
    std::memcpy(to, image.data(), image.size());
    to += image.size();
  }
  RunRequest request;
  request.steps = 1;
  request.images = static_cast<int64_t>(inference.images.size());
  request.ticket = inference.ticket;
  if (run(inference.program, request).completed < 1) {
    throw Error("ERR_ABORTED", "the inference was canceled");
  }
  for (const Inference::Output& output : inference.outputs) {
    read_floats(output.tensor, output.target);
  }
}

}  // namespace preresnet
