#include "cuda_client/session.h"

#include <cstring>
#include <exception>

#include "core/error.h"
#include "cuda_client/library.h"
#include "program/landmarks.h"

namespace preresnet {

namespace {

void write_error(preresnet_cuda_error* error, const std::string& code, const std::string& message) {
  std::strncpy(error->code, code.c_str(), sizeof error->code - 1);
  error->code[sizeof error->code - 1] = '\0';
  std::strncpy(error->message, message.c_str(), sizeof error->message - 1);
  error->message[sizeof error->message - 1] = '\0';
}

}  // namespace

CudaSession::CudaSession(std::unique_ptr<ProgramSet> programs, std::string_view text,
                         const CudaConnection& connection, const std::atomic<bool>& stop)
    : Session(std::move(programs)), library_(cuda_library(connection.library)) {
  const auto ask = [](void* owner) -> int {
    return static_cast<const std::atomic<bool>*>(owner)->load() ? 1 : 0;
  };
  preresnet_cuda_error error{};
  check_cuda(library_.open(text.data(), text.size(), connection.settings.data(),
                           connection.settings.size(), ask, const_cast<std::atomic<bool>*>(&stop),
                           &session_, &error),
             error);
  for (const Tensor& tensor : set().tensors) {
    if (tensor.arena == "inputs" && tensor.dtype == DType::i32) {
      indices_[tensor.name].resize(static_cast<size_t>(element_count(tensor)));
    }
  }
}

CudaSession::~CudaSession() {
  if (session_ != nullptr) library_.close(session_);
}

SessionMemory CudaSession::memory() const {
  preresnet_cuda_memory memory{};
  memory.size = sizeof memory;
  preresnet_cuda_error error{};
  check_cuda(library_.memory(session_, &memory, &error), error);
  return {.arenas = memory.arenas, .scratch = memory.workspace, .available = memory.available};
}

void CudaSession::allocate() {
  preresnet_cuda_error error{};
  check_cuda(library_.allocate(session_, &error), error);
}

Values CudaSession::read(std::string_view name) {
  std::vector<std::byte> bytes;
  return read_values(fetched(name, bytes));
}

void CudaSession::read_floats(std::string_view name, std::span<float> target) {
  std::vector<std::byte> bytes;
  preresnet::read_floats(fetched(name, bytes), target);
}

Tensor CudaSession::fetched(std::string_view name, std::vector<std::byte>& bytes) {
  Tensor tensor = persistent(name);
  bytes.resize(tensor.bytes);
  preresnet_cuda_error error{};
  check_cuda(library_.read(session_, tensor.name.c_str(), bytes.data(), bytes.size(), &error),
             error);
  tensor.data = bytes.data();
  return tensor;
}

template <class Write>
void CudaSession::write_by(std::string_view name, Write&& into) {
  Tensor tensor = persistent(name);
  std::vector<std::byte> bytes(tensor.bytes);
  tensor.data = bytes.data();
  into(tensor);
  preresnet_cuda_error error{};
  check_cuda(library_.write(session_, tensor.name.c_str(), bytes.data(), bytes.size(), &error),
             error);
  const auto kept = indices_.find(tensor.name);
  if (kept != indices_.end()) std::memcpy(kept->second.data(), bytes.data(), bytes.size());
}

void CudaSession::write(std::string_view name, const Values& values) {
  write_by(name, [&](const Tensor& tensor) { write_values(tensor, values); });
}

void CudaSession::write_floats(std::string_view name, std::span<const float> values) {
  write_by(name, [&](const Tensor& tensor) { preresnet::write_floats(tensor, values); });
}

const Tensor& CudaSession::viewable(std::string_view name) {
  throw Error("ERR_UNSUPPORTED",
              "tensor " + persistent(name).name +
                  ": lies in the device's memory, which cannot be viewed; read() copies it");
}

std::shared_ptr<Arena> CudaSession::arena(std::string_view) const {
  throw Error("ERR_INTERNAL", "a CUDA session has no memory of the host's");
}

/// Of the loader's batches the indices are looked at when they are fetched.
void CudaSession::check_written_indices(const Program& source) const {
  const Landmarks program = find_landmarks(source);
  const auto written = [&](const Tensor* tensor) -> const int32_t* {
    return tensor == nullptr ? nullptr : indices_.at(tensor->name).data();
  };
  check_indices(program, !program.loss ? nullptr : written(program.loss->labels),
                program.input == nullptr ? nullptr : written(program.input->crops),
                program.mix == nullptr ? nullptr : written(program.mix->mixes));
}

/// One call of run(): what the library's callbacks need.
struct CudaSession::Running {
  CudaSession& session;
  const Landmarks program;
  const RunRequest& request;
  RunOutcome outcome;

  static Running& of(void* owner) { return *static_cast<Running*>(owner); }

  static int acquire(void* owner, uint64_t index, int32_t pixels, preresnet_cuda_batch* to,
                     preresnet_cuda_error* error) {
    Running& self = of(owner);
    try {
      Batch batch;
      if (!self.request.source->acquire(index, pixels != 0, &batch)) return 0;
      try {
        if (self.program.input->crops != nullptr && batch.crops == nullptr) {
          throw Error("ERR_OPTION", "loader: expected placements, got none");
        }
        if (self.program.mix != nullptr && batch.mixes == nullptr) {
          throw Error("ERR_OPTION", kNoMixes);
        }
        check_indices(self.program, batch.labels, batch.crops, batch.mixes);
      } catch (...) {
        self.request.source->release(batch.ticket);
        throw;
      }
      *to = {.images = batch.images,
             .indices = batch.indices,
             .labels = batch.labels,
             .crops = batch.crops,
             .mixes = batch.mixes,
             .count = batch.count,
             .ticket = batch.ticket};
      return 1;
    } catch (const Error& failure) {
      write_error(error, failure.code(), failure.what());
    } catch (const std::exception& failure) {
      write_error(error, "ERR_INTERNAL", failure.what());
    }
    return -1;
  }

  static void release(void* owner, uint64_t ticket) { of(owner).request.source->release(ticket); }

  static int canceled(void* owner) {
    return of(owner).session.ticket() != of(owner).request.ticket ? 1 : 0;
  }

  static void completed(void* owner, const double row[6], const int32_t* predictions,
                        const int32_t* labels, int64_t count) {
    RunOutcome& outcome = of(owner).outcome;
    outcome.rows.insert(outcome.rows.end(), row, row + 6);
    ++outcome.completed;
    if (predictions != nullptr) {
      outcome.predictions.insert(outcome.predictions.end(), predictions, predictions + count);
    }
    if (labels != nullptr) outcome.labels.insert(outcome.labels.end(), labels, labels + count);
  }
};

RunOutcome CudaSession::run(std::string_view name, const RunRequest& request) {
  const Program& program = program_for(name, request);
  if (request.source == nullptr) check_written_indices(program);
  Running running{*this, find_landmarks(program), request, {}};
  running.outcome.rows.reserve(static_cast<size_t>(request.steps) * 6);

  preresnet_cuda_run run{};
  run.size = sizeof run;
  run.program = program.name.c_str();
  run.steps = request.steps;
  run.seed = request.seed;
  run.first_step = request.first_step;
  run.learning_rates = request.learning_rates.empty() ? nullptr : request.learning_rates.data();
  run.source = &running;
  if (request.source != nullptr) {
    const SampleSet set = request.source->set();
    run.set = set.id;
    run.set_images = set.images;
    run.set_count = set.count;
    run.acquire = Running::acquire;
    run.release = Running::release;
  }
  run.first_batch = request.first_batch;
  run.check_finite = request.check_finite;
  run.poison = request.poison;
  run.trace = request.trace;
  run.serial = request.serial;
  run.collect = request.collect;
  run.owner = &running;
  run.canceled = Running::canceled;
  run.completed = Running::completed;
  preresnet_cuda_error error{};
  check_cuda(library_.run(session_, &run, &error), error);
  running.outcome.canceled = run.was_canceled != 0;
  if (request.trace) fetch_trace();
  return std::move(running.outcome);
}

void CudaSession::begin_inference(const Inference& inference) {
  images_for(inference);
  std::vector<const uint8_t*> images;
  for (const auto& image : inference.images) images.push_back(image.data());
  std::vector<const char*> names;
  std::vector<Fetched> fetched;
  for (const Inference::Output& output : inference.outputs) {
    const Tensor& tensor = persistent(output.tensor);
    names.push_back(tensor.name.c_str());
    fetched.push_back({tensor, std::vector<std::byte>(tensor.bytes), output.target});
  }
  const preresnet_cuda_inference asked = {.size = sizeof asked,
                                          .program = inference.program.c_str(),
                                          .images = images.data(),
                                          .count = static_cast<int64_t>(images.size()),
                                          .outputs = names.data(),
                                          .output_count = static_cast<int64_t>(names.size())};
  preresnet_cuda_error error{};
  check_cuda(library_.begin_inference(session_, &asked, &error), error);
  inferences_.push_back(std::move(fetched));
}

bool CudaSession::end_inference(bool wait) {
  std::vector<Fetched>& outputs = inferences_.front();
  std::vector<void*> targets;
  for (Fetched& output : outputs) targets.push_back(output.bytes.data());
  int32_t over = 0;
  preresnet_cuda_error error{};
  const int status = library_.end_inference(session_, wait ? 1 : 0, targets.data(), &over, &error);
  if (status == 0 && over == 0) return false;
  std::vector<Fetched> ended = std::move(outputs);
  inferences_.pop_front();
  check_cuda(status, error);
  for (Fetched& output : ended) {
    output.tensor.data = output.bytes.data();
    preresnet::read_floats(output.tensor, output.target);
  }
  return true;
}

void CudaSession::fetch_trace() {
  std::vector<const Program*> programs;
  for (const auto& [name, program] : set().programs) programs.push_back(&program);
  std::vector<preresnet_cuda_event> events(library_.trace(session_, nullptr, 0));
  library_.trace(session_, events.data(), events.size());
  const std::lock_guard lock(trace_mutex_);
  trace_.clear();
  for (const preresnet_cuda_event& event : events) {
    trace_.push_back({&programs.at(static_cast<size_t>(event.program))
                           ->operations.at(static_cast<size_t>(event.operation)),
                      event.start, event.duration});
  }
}

Roofline CudaSession::measure_roofline() {
  preresnet_cuda_roofline roofline{};
  roofline.size = sizeof roofline;
  preresnet_cuda_error error{};
  check_cuda(library_.roofline(session_, &roofline, &error), error);
  return {.flops = roofline.flops, .bytes = roofline.bytes, .instructions = ""};
}

std::vector<TraceEvent> CudaSession::trace() const {
  const std::lock_guard lock(trace_mutex_);
  return trace_;
}

BytesMoved CudaSession::bytes_moved(const std::string& program) {
  preresnet_cuda_bytes_moved bytes_moved{};
  bytes_moved.size = sizeof bytes_moved;
  preresnet_cuda_error error{};
  check_cuda(library_.bytes_moved(session_, program.c_str(), &bytes_moved, &error), error);
  return {.launches = bytes_moved.launches,
          .convolution_launches = bytes_moved.convolution_launches,
          .waits = bytes_moved.waits,
          .bytes_read = bytes_moved.bytes_read,
          .bytes_written = bytes_moved.bytes_written};
}

}  // namespace preresnet
