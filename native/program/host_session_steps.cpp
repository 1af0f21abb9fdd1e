// How a session on a CPU runs its steps.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <exception>

#include "core/error.h"
#include "core/tree.h"
#include "program/finite.h"
#include "program/host_session_prepared.h"
#include "program/not_finite.h"

namespace preresnet {

namespace {

constexpr size_t kLargestTrace = 1'000'000;  // events; a trace is for a few steps

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

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
  if (program.mix != nullptr) {
    if (batch.mixes == nullptr) throw Error("ERR_OPTION", kNoMixes);
    std::memcpy(program.mix->mixes->data, batch.mixes, program.mix->mixes->bytes);
  }
}

void HostSession::check_inputs(const Prepared& program) const {
  const Tensor* labels = !program.loss ? nullptr : program.loss->labels;
  const Tensor* crops = program.input == nullptr ? nullptr : program.input->crops;
  check_indices(program, labels == nullptr ? nullptr : labels->as<const int32_t>(),
                crops == nullptr ? nullptr : crops->as<const int32_t>(),
                program.mix == nullptr ? nullptr : program.mix->mixes->as<const int32_t>());
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
  if (traced) trace_beside(program, clocks);
  holds_gradients_ = program.writes_gradients;
  return true;
}

/// Gives operations that went on beside later ones the time that they took in all.
void HostSession::trace_beside(const Prepared& program, const Clocks& clocks) {
  const size_t count = program.operations.size();
  if (trace_.size() < count || trace_.size() >= kLargestTrace) return;
  for (size_t index = 0; index < count; ++index) {
    const auto span = program.operations[index]->beside();
    if (!span) continue;
    TraceEvent& event = trace_[trace_.size() - count + index];
    event.start = clocks.offset + seconds(clocks.begin, span->begin) * 1e6;
    event.duration = seconds(span->begin, span->end) * 1e6;
  }
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
  // The other ranks may be anywhere.
  Step alone = step;
  alone.ranks = nullptr;
  const std::string found = first_not_finite(
      *program.program, until, [&](size_t index) { program.operations[index]->run(alone); },
      [](const Tensor& tensor) { return all_finite(tensor); });
  restore_buffers();
  const std::string where = step.ranks == nullptr ? "" : " on this rank";
  throw Error("ERR_NOT_FINITE", "step " + std::to_string(step.index) + ": " + what +
                                    " is not finite; " + found + where);
}

std::vector<TraceEvent> HostSession::trace() const {
  const std::lock_guard lock(trace_mutex_);
  return finished_trace_;
}

RunOutcome HostSession::run(std::string_view name, const RunRequest& request) {
  require_memory();
  Prepared& program = *programs_.at(program_for(name, request).name);
  if (program.ranks == 1) return run_steps(program, request);
  try {
    return run_steps(program, request);
  } catch (const std::exception& error) {
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
    double label_weight;
  };
  const Tensor* labels = program.loss ? program.loss->labels : nullptr;
  const int64_t images = labels == nullptr ? 0 : labels->dim(0);
  const auto* values = labels == nullptr ? nullptr : labels->as<const int32_t>();
  const bool weighs = program.loss && program.loss->label_weights != nullptr;
  const Word own{step.index, images - std::count(values, values + images, -1), ends ? 1 : 0,
                 weighs ? weight_of_labels(*program.loss, values) : 0};
  std::vector<Word> all(static_cast<size_t>(ranks_->ranks()));
  ranks_->all_gather(&own, all.data(), sizeof own);
  step.ranks = ranks_.get();
  step.position = ranks_->rank() * images;
  step.counted = 0;
  TreeSum<double> label_weights(ranks_->ranks());
  bool together = true;
  for (const Word& word : all) {
    if (word.step != all[0].step) {
      throw Error("ERR_RANK", "expected all ranks at step " + std::to_string(all[0].step) +
                                  " of rank 0, got one at step " + std::to_string(word.step));
    }
    step.counted += word.counted;
    label_weights.add(word.label_weight);
    together = together && word.ends == 0;
  }
  if (weighs) step.label_weight = label_weights.total();
  return together;
}

RunOutcome HostSession::run_steps(Prepared& program, const RunRequest& request) {
  // Through a view parameters change without anybody being told.
  if (viewed_) ++weights_version_;
  if (request.trace) trace_.clear();

  RunOutcome outcome;
  outcome.rows.reserve(static_cast<size_t>(request.steps) * 6);
  for (int64_t index = 0; index < request.steps; ++index) {
    const bool alone = program.ranks == 1;
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
