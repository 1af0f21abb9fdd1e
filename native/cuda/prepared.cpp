#include "cuda/prepared.h"

#include <algorithm>
#include <variant>

#include "core/error.h"
#include "cuda/events.h"

namespace preresnet::cuda {

PreparedProgram::PreparedProgram(const Program& program, const Context& context,
                                 const std::function<bool()>& stop)
    : Landmarks(find_landmarks(program)), program_(program), dying_(program.operations.size()) {
  for (size_t index = 0; index < program.operations.size(); ++index) {
    const ProgramOperation& source = program.operations[index];
    if (stop()) throw Error("ERR_ABORTED", "the session was ended while it was prepared");
    try {
      operations_.push_back(std::visit(
          [&](const auto& operation) { return prepare(operation, context); }, source.operation));
    } catch (const Error& error) {
      throw Error(error.code(),
                  "program " + program.name + ": " + describe(index, source) + ": " + error.what());
    }
    // Nobody waits for a weight's gradient before the update: it fills what smaller launches leave.
    const bool weights = std::holds_alternative<ops::ConvBackwardWeights>(source.operation);
    streams_.push_back(static_cast<int>(weights ? kWeights : kMain));
  }
  for (const Lifetime& lifetime : lifetimes(program)) {
    dying_[lifetime.last].push_back(lifetime.tensor);
  }
}

void PreparedProgram::schedule(const MemoryPlan& memory) {
  std::vector<ScheduledWork> work(operations_.size());
  for (size_t index = 0; index < work.size(); ++index) {
    work[index].stream = streams_[index];
    for (const Operand& operand : operands_of(program_.operations[index].operation)) {
      const ByteRange range = memory.range(*operand.tensor);
      if (operand.contract->role != ops::Role::out) work[index].reads.push_back(range);
      if (operand.contract->role != ops::Role::in) work[index].writes.push_back(range);
    }
  }
  schedule_ = make_schedule(work, kComputeStreams);
}

size_t PreparedProgram::workspace_bytes(int stream) const {
  size_t bytes = 0;
  for (size_t index = 0; index < operations_.size(); ++index) {
    if (streams_[index] == stream) bytes = std::max(bytes, operations_[index]->workspace_bytes());
  }
  return bytes;
}

void PreparedProgram::enqueue(const Enqueueing& step) const {
  Runtime& runtime = step.runtime;
  const StreamContext contexts[kComputeStreams] = {step.context(kMain), step.context(kWeights)};
  int number = 0;
  const auto wait = [&](Stream stream, size_t operation) {
    if (number++ == step.omit_wait) return;
    runtime.wait(stream, operation == Schedule::kStart ? kStartEvent : operation_event(operation));
  };
  if (schedule_.start_awaited) runtime.record(kMain, kStartEvent);
  for (size_t index = 0; index < operations_.size(); ++index) {
    const StreamContext& on = contexts[streams_[index]];
    const Schedule::Item& item = schedule_.items[index];
    for (const size_t operation : item.waits) wait(on.stream, operation);
    try {
      if (step.between) step.between(index, true);
      operations_[index]->enqueue(on);
      if (step.between) step.between(index, false);
    } catch (const Error& error) {
      if (error.code() != "ERR_DEVICE") throw;
      throw Error(error.code(), describe(index, program_.operations[index]) + ": " + error.what());
    }
    if (item.awaited) runtime.record(on.stream, operation_event(index));
  }
  for (const size_t operation : schedule_.joins) wait(kMain, operation);
}

}  // namespace preresnet::cuda
