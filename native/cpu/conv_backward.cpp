// The backward pass of a convolution and of what is fused to it: the gradient at its output put
// together, the weight gradient, the gradient at its input, mask and sums. Two operations: images
// one by one in an algorithm that does everything; and blocks of images, for which all that is done
// while the block is in the second-level cache.
#include <algorithm>
#include <optional>
#include <utility>

#include "cpu/context.h"
#include "cpu/conv_input.h"
#include "cpu/conv_input_gradient.h"
#include "cpu/conv_weights.h"
#include "cpu/group_sum.h"
#include "cpu/output_gradient.h"
#include "cpu/planes.h"
#include "cpu/weight_gradient.h"

namespace preresnet::cpu {
namespace {

/// What both operations have.
struct ConvBackwardParts {
  const ops::ConvBackward& op;
  Context& context;
  ConvInput input;
  OutputGradient dy;
  ConvInputGradient dx;
  ConvolutionShape shape;  // of a group's images
  GroupSum dw;

  void load() {
    input.load(context.scratch);
    dy.load(context.scratch);
    dx.load(context.scratch);
  }
  void finish() const {
    dy.finish();
    dx.finish();
  }
};

class FusedConvBackward final : public Operation {
 public:
  FusedConvBackward(ConvBackwardParts&& parts, const FusedBackward& algorithm, ScratchPlan& plan)
      : parts_(std::move(parts)),
        algorithm_(algorithm),
        scratch_(plan.thread(algorithm.scratch_bytes())),
        weights_(*parts_.op.w, parts_.shape, algorithm, {}, plan),
        sums_(algorithm, parts_.context, plan),
        dw_(*parts_.op.dw, parts_.shape, plan),
        partition_(parts_.shape.images, 1, block_images(1)) {}

  void run(const Step& step) override {
    parts_.load();
    weights_.pack(parts_.context, step);
    parts_.dw.sum(parts_.context, parts_.op.dw->as<float>(), [this](int64_t group) {
      sums_.share_out(partition_, group, [this](int thread, Range images, bool first) {
        run_block(thread, images, first);
      });
      sums_.write(dw_);
    });
    parts_.finish();
  }

 private:
  void run_block(int thread, Range images, bool first) {
    const Scratch& scratch = parts_.context.scratch;
    float* gradient = sums_.partial(thread);
    if (first) std::fill_n(gradient, algorithm_.gradient_elements(), 0.0f);
    for (int64_t image = images.begin; image < images.end; ++image) {
      algorithm_.run(parts_.dy.start(image, {}), parts_.input.pass(image, {}),
                     weights_.slice(scratch), parts_.dx.start(image, parts_.input, nullptr),
                     gradient, scratch.at<void>(scratch_, thread));
    }
  }

  ConvBackwardParts parts_;
  const FusedBackward& algorithm_;
  ThreadRange scratch_;
  PackedWeights weights_;
  SlotSums sums_;
  PaddedWeights dw_;
  Partition partition_;
};

/// From dy to dx, a block of images at a time.
class BlockDataGradient {
 public:
  /// parts: outlives this. images: at most so many in a block.
  BlockDataGradient(const BlockConvolution& algorithm, const ConvBackwardParts& parts,
                    int64_t images, ScratchPlan& plan)
      : algorithm_(algorithm),
        parts_(parts),
        weights_(*parts.op.w, parts.shape, algorithm, {}, plan),
        result_in_dx_(!parts.dx.dx().bf16),
        finishes_(!parts.dx.is_result()) {
    if (!result_in_dx_) {
      result_ = plan.thread(storage_bytes(images * parts.shape.x_elements(), false));
    }
  }

  size_t scratch_bytes() const { return algorithm_.scratch_bytes(); }
  void pack(const Step& step) { weights_.pack(parts_.context, step); }
  void run(int thread, Range images, const void* dy, void* scratch) const {
    const Scratch& memory = parts_.context.scratch;
    float* dx = result_in_dx_ ? static_cast<float*>(parts_.dx.dx().target(images.begin).data)
                              : memory.at<float>(result_, thread);
    algorithm_.run(thread, images.end - images.begin, dy, weights_.slice(memory), dx, scratch);
    for (int64_t image = images.begin; finishes_ && image < images.end; ++image) {
      const int64_t offset = (image - images.begin) * parts_.input.x().image_elements();
      passes::run(parts_.dx.start(image, parts_.input, dx + offset));
    }
  }

 private:
  const BlockConvolution& algorithm_;
  const ConvBackwardParts& parts_;
  PackedWeights weights_;
  bool result_in_dx_, finishes_;
  ThreadRange result_;
};

/// From x and dy to dw.
class BlockWeights {
 public:
  /// parts: outlives this. images: at most so many in a block.
  BlockWeights(std::unique_ptr<WeightGradient> gradient, const ConvBackwardParts& parts, bool bf16,
               int64_t images, ScratchPlan& plan)
      : gradient_(std::move(gradient)),
        parts_(parts),
        activation_(parts.input, parts.shape, bf16, images, plan),
        dw_(*parts.op.dw, parts.shape, plan) {}

  WeightGradient& gradient() { return *gradient_; }
  void run(int thread, Range images, bool first, const void* dy, void* scratch) {
    const void* x = activation_.of(parts_.context.scratch, thread, images);
    gradient_->add(thread, images, first, x, dy, scratch);
  }
  void write() { gradient_->write(dw_); }

 private:
  std::unique_ptr<WeightGradient> gradient_;
  const ConvBackwardParts& parts_;
  BlockInput activation_;
  PaddedWeights dw_;
};

class BlockConvBackward final : public Operation {
 public:
  BlockConvBackward(ConvBackwardParts&& parts, const BlockBackward& algorithm, ScratchPlan& plan)
      : parts_(std::move(parts)),
        partition_(parts_.shape.images, algorithm.terms.granule,
                   block_images(algorithm.terms.block)),
        dy_(parts_.dy, algorithm.terms.bf16_operands, partition_.block_images(), plan) {
    const int64_t images = partition_.block_images();
    size_t scratch_bytes = 0;
    if (auto gradient = make_weight_gradient(algorithm, parts_.context, plan)) {
      scratch_bytes = gradient->scratch_bytes();
      weights_.emplace(std::move(gradient), parts_, algorithm.terms.bf16_operands, images, plan);
    }
    if (algorithm.data) {
      data_.emplace(*algorithm.data, parts_, images, plan);
      scratch_bytes = std::max(scratch_bytes, data_->scratch_bytes());
    }
    scratch_ = plan.thread(scratch_bytes);
  }

  void run(const Step& step) override {
    parts_.load();
    if (data_) data_->pack(step);
    const auto block = [this](int thread, Range images, bool first) {
      run_block(thread, images, first);
    };
    if (weights_) {
      parts_.dw.sum(parts_.context, parts_.op.dw->as<float>(), [&](int64_t group) {
        weights_->gradient().share_out(partition_, group, block);
        weights_->write();
      });
    } else {
      const int64_t images = parts_.input.x().images;
      parts_.context.pool.run(partition_.blocks_of_batch(images), [&](int thread, int64_t index) {
        block(thread, partition_.block_of_batch(index, images), true);
      });
    }
    parts_.finish();
  }

 private:
  void run_block(int thread, Range images, bool first) {
    const Scratch& memory = parts_.context.scratch;
    void* scratch = memory.at<void>(scratch_, thread);
    const void* dy = dy_.of(memory, thread, images);
    if (weights_) weights_->run(thread, images, first, dy, scratch);
    if (data_) data_->run(thread, images, dy, scratch);
  }

  ConvBackwardParts parts_;
  Partition partition_;
  BlockOutputGradient dy_;
  std::optional<BlockWeights> weights_;    // where dw is wanted
  std::optional<BlockDataGradient> data_;  // where dx is wanted
  ThreadRange scratch_;                    // of the algorithms, one after the other
};

}  // namespace

std::unique_ptr<Operation> prepare(const ops::ConvBackward& op, Context& context) {
  ScratchPlan plan(context.scratch);
  expect_plain("conv_backward.dw", op.dw, DType::f32);
  ConvInput input("conv_backward", op.x, op.xScale, op.xBias, op.xRelu, plan);
  OutputGradient dy(op, input.x().images, plan);
  ConvInputGradient dx(op, input.x(), plan);
  ConvolutionShape shape =
      convolution_shape("conv_backward", input.x(), *op.w, dy.d(), op.stride, op.padding);
  shape.images /= op.groups;
  const BackwardUse use{.data = op.dx != nullptr, .weights = op.dw != nullptr};
  shape.planes = planes_of(input.x().channels, op.winograd, use.data);
  const ConvolutionMeans means{.winograd = op.winograd, .bf16_products = op.bf16Products};
  const int64_t dw_elements = op.dw == nullptr ? 0 : element_count(*op.dw);
  ConvBackwardParts parts{op,
                          context,
                          std::move(input),
                          std::move(dy),
                          std::move(dx),
                          shape,
                          GroupSum(op.groups, dw_elements, plan)};

  const bool fits_fused = use.data && use.weights && parts.input.x().bf16 &&
                          parts.dy.fits_fused() && parts.dx.fits_fused();
  if (fits_fused) {
    const FusedBackward* fused = context.algorithms.fused_backward(shape, means);
    if (fused != nullptr) {
      return std::make_unique<FusedConvBackward>(std::move(parts), *fused, plan);
    }
  }
  const BlockBackward& algorithm = context.algorithms.block_backward(shape, use, means);
  return std::make_unique<BlockConvBackward>(std::move(parts), algorithm, plan);
}

}  // namespace preresnet::cpu
