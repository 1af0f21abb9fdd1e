// The CPU executor. Activations are f32 or bf16 in blocks of 16 channels, everything else is plain;
// all arithmetic is f32, sums and statistics double. Results are the same to the bit for any number
// of threads.
#include "program/executor.h"

#include <algorithm>

#include "core/error.h"
#include "cpu/context.h"
#include "cpu/instruction_sets.h"
#include "cpu/peaks.h"

namespace preresnet {
namespace cpu {

const Convolution& Context::convolution(const ConvolutionShape& shape, ConvolutionUse use,
                                        bool winograd) {
  const Key key{shape, use.forward, use.backward_data, use.backward_weights, winograd};
  std::unique_ptr<Convolution>& found = convolutions_[key];
  if (!found) {
    found = winograd ? make_winograd_convolution(shape)
                     : make_onednn_convolution(shape, use, pool.threads());
  }
  return *found;
}

namespace {

class CpuExecutor final : public Executor {
 public:
  explicit CpuExecutor(int threads) : context_(threads) {}

  std::string_view name() const override { return "cpu"; }
  std::unique_ptr<Operation> prepare(const ops::AnyOperation& operation) override {
    return std::visit([this](const auto& op) { return dispatch(op, context_); }, operation);
  }
  size_t scratch_bytes() const override { return context_.scratch.bytes(); }
  void allocate() override { context_.scratch.allocate(); }
  Peaks measure_peaks() override { return cpu::measure_peaks(context_.pool); }

 private:
  template <class Op>
  static std::unique_ptr<Operation> dispatch(const Op& op, Context& context) {
    if constexpr (requires { cpu::prepare(op, context); }) {
      return cpu::prepare(op, context);
    } else {
      // Launches of a GPU; here conv and conv_backward do their work in one pass.
      throw Error("ERR_UNSUPPORTED",
                  std::string("operation: expected one that the CPU has, got ") + Op::kName);
    }
  }

  Context context_;
};

}  // namespace
}  // namespace cpu

std::unique_ptr<Executor> make_cpu_executor(int threads) {
  if (threads < 1) {
    throw Error("ERR_OPTION", "threads: expected at least 1, got " + std::to_string(threads));
  }
  cpu::limit_instruction_sets();
  return std::make_unique<cpu::CpuExecutor>(threads);
}

}  // namespace preresnet
