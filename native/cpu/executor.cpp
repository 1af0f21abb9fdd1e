// The CPU executor. Activations are f32 or bf16 in blocks of 16 channels, everything else is plain;
// arithmetic is f32, except products of bf16 in convolutions of programs that ask for them; sums
// and statistics are double. Results are the same to the bit for any number of threads.
#include "interfaces/executor.h"

#include <algorithm>

#include "core/error.h"
#include "cpu/context.h"
#include "cpu/instruction_sets.h"
#include "cpu/roofline.h"

namespace preresnet {
namespace cpu {
namespace {

class CpuExecutor final : public Executor {
 public:
  CpuExecutor(int threads, bool keep_weights) : context_(threads, keep_weights) {}

  std::string_view name() const override { return "cpu"; }
  std::unique_ptr<Operation> prepare(const ops::AnyOperation& operation) override {
    return std::visit([this](const auto& op) { return cpu::prepare(op, context_); }, operation);
  }
  size_t scratch_bytes() const override { return context_.scratch.bytes(); }
  void allocate(bool huge_pages) override { context_.scratch.allocate(huge_pages); }
  void share_out(int64_t tasks, const std::function<void(int64_t)>& function) override {
    context_.pool.run(tasks, [&](int, int64_t task) { function(task); });
  }
  Roofline measure_roofline() override { return cpu::measure_roofline(context_.pool); }

 private:
  Context context_;
};

}  // namespace
}  // namespace cpu

std::unique_ptr<Executor> make_cpu_executor(int threads, bool keep_weights) {
  if (threads < 1) {
    throw Error("ERR_OPTION", "threads: expected at least 1, got " + std::to_string(threads));
  }
  cpu::limit_instruction_sets();
  return std::make_unique<cpu::CpuExecutor>(threads, keep_weights);
}

}  // namespace preresnet
