// A small program of registers over every element: interpreted per instruction on a few pixels of
// 16 channels, so that all registers stay in the first-level cache.
#include "cpu/passes/pointwise.h"

#include <algorithm>

#include "core/error.h"
#include "cpu/channel_sums.h"
#include "cpu/context.h"
#include "cpu/operands.h"

namespace preresnet::cpu {
namespace {

using passes::PointwiseCode;
using passes::PointwiseInstruction;

constexpr PointwiseCode code_of(int64_t opcode) {
  switch (static_cast<ops::Opcode>(opcode)) {
    case ops::Opcode::tensor:
      return PointwiseCode::tensor;
    case ops::Opcode::vector:
      return PointwiseCode::vector;
    case ops::Opcode::constant:
      return PointwiseCode::constant;
    case ops::Opcode::add:
      return PointwiseCode::add;
    case ops::Opcode::multiply:
      return PointwiseCode::multiply;
    case ops::Opcode::relu:
      return PointwiseCode::relu;
    case ops::Opcode::positive:
      return PointwiseCode::positive;
    case ops::Opcode::sigmoid:
      return PointwiseCode::sigmoid;
    case ops::Opcode::dropout:
      return PointwiseCode::dropout;
  }
  throw Error("ERR_UNSUPPORTED", "pointwise.code: unknown opcode " + std::to_string(opcode));
}

class PointwiseOperation final : public Operation {
 public:
  PointwiseOperation(const ops::Pointwise& op, Context& context)
      : op_(op),
        context_(context),
        images_(op.domain.at(0)),
        channels_(op.domain.at(1)),
        height_(op.domain.at(2)),
        width_(op.domain.at(3)) {
    ScratchPlan plan(context.scratch);
    for (const Tensor* tensor : op.tensors) {
      tensors_.push_back(activation("pointwise.tensors", tensor));
    }
    for (const Tensor* vector : op.vectors) {
      vectors_.emplace_back("pointwise.vectors", vector, images_, plan);
    }
    for (const Tensor* output : op.outputs) {
      outputs_.push_back(activation("pointwise.outputs", output));
    }
    for (size_t i = 0; i < op.dropoutRates.size(); ++i) {
      dropouts_.push_back({op.dropoutRates[i], static_cast<uint64_t>(op.dropoutKeys.at(i))});
    }
    terms_ = static_cast<int64_t>(op.sumTerms.size() / 2);
    sums_ = ChannelSums("pointwise.sums", op.sums, images_, channels_, terms_, plan);
    decode();
    const auto registers = static_cast<int64_t>(instructions_.size());
    chunk_ = std::clamp<int64_t>(kRegisterBytes / (64 * std::max<int64_t>(registers, 1)), 4, 64);
    chunk_ = std::min(chunk_ / 4 * 4, height_ * width_);
    registers_ = plan.thread(static_cast<size_t>(registers * chunk_) * 16 * sizeof(float));
    for (int thread = 0; thread < context.pool.threads(); ++thread) {
      bound_.push_back({std::vector<passes::PointwiseTensor>(tensors_.size()),
                        std::vector<passes::PointwiseVector>(vectors_.size()),
                        std::vector<passes::PointwiseOutput>(outputs_.size()),
                        std::vector<passes::PointwiseTerm>(static_cast<size_t>(terms_))});
    }
  }

  void run(const Step& step) override {
    for (Coefficients& vector : vectors_) vector.load(context_.scratch);
    sums_.bind(context_.scratch);
    context_.pool.run(step.wanted(images_),
                      [&](int thread, int64_t image) { run_image(thread, image, step); });
    sums_.finish();
  }

 private:
  static constexpr int64_t kRegisterBytes = 24 << 10;

  /// Operands of the image that a thread is at.
  struct Bound {
    std::vector<passes::PointwiseTensor> tensors;
    std::vector<passes::PointwiseVector> vectors;
    std::vector<passes::PointwiseOutput> outputs;
    std::vector<passes::PointwiseTerm> terms;
  };

  void decode() {
    for (size_t i = 0; i + 3 < op_.code.size(); i += 4) {
      PointwiseInstruction instruction{code_of(op_.code[i]), op_.code[i + 1], op_.code[i + 2],
                                       true};
      const auto index = static_cast<int64_t>(instructions_.size());
      const bool same =
          instruction.code == PointwiseCode::vector || instruction.code == PointwiseCode::constant;
      const bool stored =
          std::find(op_.stores.begin(), op_.stores.end(), index) != op_.stores.end();
      instruction.changing = !same || stored;
      instructions_.push_back(instruction);
    }
  }

  void bind(Bound& bound, int64_t image) const {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      const Activation& tensor = tensors_[i];
      bound.tensors[i] = {tensor.source(image), tensor.blocks(), tensor.height, tensor.width};
    }
    for (size_t i = 0; i < vectors_.size(); ++i) {
      bound.vectors[i] = {vectors_[i].row(image), vectors_[i].blocks()};
    }
    for (size_t i = 0; i < outputs_.size(); ++i) {
      bound.outputs[i] = {op_.stores.at(i), outputs_[i].target(image)};
    }
    for (size_t i = 0; i < bound.terms.size(); ++i) {
      bound.terms[i] = {op_.sumTerms[i * 2], op_.sumTerms[i * 2 + 1],
                        sums_.of(image, static_cast<int64_t>(i))};
    }
  }

  void run_image(int thread, int64_t image, const Step& step) {
    Bound& bound = bound_[static_cast<size_t>(thread)];
    bind(bound, image);
    sums_.clear(image);
    for (int64_t block = 0; block < (channels_ + 15) / 16; ++block) {
      passes::run(passes::PointwisePass{
          .instructions = {instructions_.data(), static_cast<int64_t>(instructions_.size())},
          .tensors = bound.tensors.data(),
          .vectors = bound.vectors.data(),
          .constants = op_.constants.data(),
          .dropouts = dropouts_.data(),
          .outputs = {bound.outputs.data(), static_cast<int64_t>(bound.outputs.size())},
          .terms = {bound.terms.data(), sums_ ? terms_ : 0},
          .image = step.first_of_step(images_) + image,
          .block = block,
          .channels = channels_,
          .height = height_,
          .width = width_,
          .seed = step.seed,
          .step = step.index,
          .registers = context_.scratch.at<float>(registers_, thread),
          .chunk = chunk_,
      });
    }
  }

  const ops::Pointwise& op_;
  Context& context_;
  int64_t images_, channels_, height_, width_, terms_ = 0, chunk_ = 0;
  std::vector<Activation> tensors_, outputs_;
  std::vector<Coefficients> vectors_;
  std::vector<passes::PointwiseDropout> dropouts_;
  std::vector<PointwiseInstruction> instructions_;
  ChannelSums sums_;
  ThreadRange registers_;
  std::vector<Bound> bound_;  // one a thread
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::Pointwise& op, Context& context) {
  return std::make_unique<PointwiseOperation>(op, context);
}

}  // namespace preresnet::cpu
